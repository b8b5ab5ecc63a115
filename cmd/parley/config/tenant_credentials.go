package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-realtime/parley/transport/auth"
)

// Cookie says what a session cookie of a tenant may be.
type Cookie struct {
	SecretKeys    []string `yaml:"secret_keys" unit:"secrets"`
	SecretKeyFile string   `yaml:"secret_key_file" unit:"file"`
	Tokens        bool     `yaml:"tokens" env:"TOKENS" envDefault:"false"`
}

// Help is one line of meaning for each key.
func (Cookie) Help() map[string]string {
	return map[string]string{
		"secret_keys": "AUTHENTIK_SECRET_KEY, at least 32 bytes: its session cookies are signed with it. Several " +
			"while it is being replaced.",
		"secret_key_file": "A file with one more; one line break at its end is left out.",
		"tokens":          "Let a token of the tenant be the cookie, and keys of the tenant sign session cookies.",
	}
}

// Outpost is one token of an outpost, which may have several, or its documents, or both.
type Outpost struct {
	UUID      string `yaml:"uuid" unit:"uuid"`
	Token     string `yaml:"token" unit:"secret"`
	TokenFile string `yaml:"token_file" unit:"file"`
	Expires   string `yaml:"expires" unit:"RFC 3339"`
	Documents string `yaml:"documents" unit:"path"`
}

// Help is one line of meaning for each key.
func (Outpost) Help() map[string]string {
	return map[string]string{
		"uuid":       "The outpost that may show the token, in lower case with dashes.",
		"token":      "The token (AUTHENTIK_TOKEN of the outpost), at least 16 bytes.",
		"token_file": "A file with that token; one line break at its end is left out.",
		"expires":    "When the token ends, such as 2027-01-31T00:00:00Z; empty for never.",
		"documents": "What it is answered below /api/v3/: a directory of JSON files, such as outposts/radius.json, " +
			"or one JSON object of them by path. A list is given in pages.",
	}
}

// readCredentials adds the credentials beside tokens, and reads their files.
func (t *Tenant) readCredentials(into *auth.TenantKeys) error {
	var err error
	if into.Cookie, err = t.Cookie.read(); err != nil {
		return fmt.Errorf("cookie: %w", err)
	}
	for i := range t.Outposts {
		if !t.Outposts[i].hasToken() {
			continue
		}
		token, err := t.Outposts[i].read()
		if err != nil {
			return fmt.Errorf("outposts[%d]: %w", i, err)
		}
		into.Outposts = append(into.Outposts, token)
	}
	for i := range t.Apps {
		app, err := t.Apps[i].read()
		if err != nil {
			return fmt.Errorf("apps[%d]: %w", i, err)
		}
		into.Apps = append(into.Apps, app)
	}
	if into.Users, err = t.users(); err != nil {
		return fmt.Errorf("users_file: %w", err)
	}
	if into.Introspection = t.Introspection; t.Introspection.SecretFile != "" {
		if into.Introspection.Secret, err = readSecret(t.Introspection.SecretFile); err != nil {
			return fmt.Errorf("introspection: its secret_file %w", err)
		}
	}
	return nil
}

func (c *Cookie) read() (auth.CookieRules, error) {
	made := auth.CookieRules{Secrets: c.SecretKeys, Tokens: c.Tokens}
	if c.SecretKeyFile == "" {
		return made, nil
	}
	secret, err := readSecret(c.SecretKeyFile)
	if err != nil {
		return made, fmt.Errorf("its secret_key_file %w", err)
	}
	made.Secrets = append(made.Secrets[:len(made.Secrets):len(made.Secrets)], secret)
	return made, nil
}

// hasToken reports whether it has a token; else it has only documents for an outpost whose token introspection knows.
func (o *Outpost) hasToken() bool { return o.Token != "" || o.TokenFile != "" || o.Documents == "" }

func (o *Outpost) read() (auth.OutpostToken, error) {
	made := auth.OutpostToken{Outpost: o.UUID, Token: o.Token}
	var err error
	if o.TokenFile != "" {
		if made.Token, err = readSecret(o.TokenFile); err != nil {
			return made, fmt.Errorf("its token_file %w", err)
		}
	}
	if o.Expires != "" {
		if made.Expires, err = time.Parse(time.RFC3339, o.Expires); err != nil {
			return made, errors.New("expires must be a time such as 2027-01-31T00:00:00Z")
		}
	}
	return made, nil
}

// users are the known users, nil if no setting names any.
func (t *Tenant) users() ([]string, error) {
	if t.UsersFile == "" {
		return t.Users, nil
	}
	text, err := readText(t.UsersFile)
	if err != nil {
		return nil, err
	}
	all := append([]string{}, t.Users...)
	for line := range strings.Lines(text) {
		if name := strings.TrimSpace(line); name != "" {
			all = append(all, name)
		}
	}
	return all, nil
}

// try returns the error that auth has for some settings.
func try(settings auth.TenantKeys) error {
	_, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"this": settings})
	return plain(err)
}
