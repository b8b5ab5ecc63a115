package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/transport/auth"
)

type tokenCommand struct {
	User    string        `required:"" help:"Whom the token is for."`
	Tenant  string        `help:"The tenant whose key signs; a configuration with one tenant needs none."`
	Topics  []string      `help:"What it may subscribe to, such as a,b/*; by default what the tenant says."`
	Publish []string      `help:"What its client may publish to, by a protocol that can."`
	TTL     time.Duration `name:"ttl" default:"1h" help:"How long it is good (${default})."`
	Claims  string        `placeholder:"JSON" help:"Further claims, a JSON object; they win."`
	Config  string        `short:"c" env:"PARLEY_CONFIG" placeholder:"FILE" help:"${token_config}"`
}

// Run prints the token and nothing else, for scripts.
func (c *tokenCommand) Run() error {
	loaded := config.Load(config.Sources{Protocols: protocols.All, File: c.Config, Dev: c.Config == "",
		Environ: os.Environ()})
	if len(loaded.Problems) > 0 {
		return loaded.Problems
	}
	grant := auth.Grant{User: c.User, Topics: c.Topics, Publish: c.Publish, TTL: c.TTL, Claims: c.Claims}
	sign, err := signer(&loaded.Config, c.Tenant)
	if err != nil {
		return err
	}
	token, err := sign(grant)
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}

// devToken is a token for dev mode.
func devToken(user string) (string, error) {
	sign, err := devSigner()
	if err != nil {
		return "", err
	}
	return sign(auth.Grant{User: user})
}

// devSigner signs tokens for dev mode.
func devSigner() (func(auth.Grant) (string, error), error) {
	loaded := config.Load(config.Sources{Dev: true})
	return signer(&loaded.Config, config.DevTenant)
}

// signer signs tokens of a tenant.
func signer(cfg *config.Config, tenant string) (func(auth.Grant) (string, error), error) {
	chosen, err := choose(cfg, tenant)
	if err != nil {
		return nil, err
	}
	keys, err := chosen.TokenKeys()
	if err != nil {
		return nil, err
	}
	verifier, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{chosen.Name: keys})
	if err != nil {
		return nil, err
	}
	return func(grant auth.Grant) (string, error) { return verifier.Sign(chosen.Name, grant) }, nil
}

func choose(cfg *config.Config, name string) (*config.Tenant, error) {
	var names []string
	for i := range cfg.Tenants {
		if t := &cfg.Tenants[i]; t.Name == name || name == "" && len(cfg.Tenants) == 1 {
			return t, nil
		}
		names = append(names, cfg.Tenants[i].Name)
	}
	if name == "" {
		return nil, fmt.Errorf("there are several tenants; choose one with --tenant: %s", strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("there is no tenant %q; known are %s", name, strings.Join(names, ", "))
}
