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
	User   string        `required:"" help:"Whom the token is for."`
	Tenant string        `help:"The tenant whose key signs; a configuration with one tenant needs none."`
	Topics []string      `help:"What it may subscribe to, such as a,b/*; by default what the tenant says."`
	TTL    time.Duration `name:"ttl" default:"1h" help:"How long it is good (${default})."`
	Claims string        `placeholder:"JSON" help:"Further claims, a JSON object; they win."`
	Config string        `short:"c" env:"PARLEY_CONFIG" placeholder:"FILE" help:"${token_config}"`
}

// Run prints the token and nothing else, for scripts.
func (c *tokenCommand) Run() error {
	loaded := config.Load(config.Sources{Protocols: protocols.All, File: c.Config, Dev: c.Config == "",
		Environ: os.Environ()})
	if len(loaded.Problems) > 0 {
		return loaded.Problems
	}
	grant := auth.Grant{User: c.User, Topics: c.Topics, TTL: c.TTL, Claims: c.Claims}
	token, err := sign(&loaded.Config, c.Tenant, grant)
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}

// devToken is a token for dev mode.
func devToken(user string) (string, error) {
	loaded := config.Load(config.Sources{Dev: true})
	return sign(&loaded.Config, config.DevTenant, auth.Grant{User: user})
}

func sign(cfg *config.Config, tenant string, grant auth.Grant) (string, error) {
	chosen, err := choose(cfg, tenant)
	if err != nil {
		return "", err
	}
	keys, err := chosen.TokenKeys()
	if err != nil {
		return "", err
	}
	verifier, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{chosen.Name: keys})
	if err != nil {
		return "", err
	}
	return verifier.Sign(chosen.Name, grant)
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
