package config

import (
	"errors"
	"fmt"
	"regexp"
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

// Outpost is one token of an outpost, which may have several, or its documents, or both.
type Outpost struct {
	UUID      string `yaml:"uuid" unit:"uuid"`
	Token     string `yaml:"token" unit:"secret"`
	TokenFile string `yaml:"token_file" unit:"file"`
	Expires   string `yaml:"expires" unit:"RFC 3339"`
	Documents string `yaml:"documents" unit:"path"`
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

var uuid = regexp.MustCompile("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

// checkCredentials adds the problems of the credentials beside tokens, each with its own line. It reports whether there
// are none.
func (l *Result) checkCredentials(t *Tenant, key string) bool {
	before := len(l.Problems)
	if rules, err := t.Cookie.read(); err != nil {
		l.addProblem(key+".cookie.secret_key_file", err.Error())
	} else if err := try(auth.TenantKeys{Cookie: auth.CookieRules{Secrets: rules.Secrets}}); err != nil {
		l.addProblem(key+".cookie", err.Error())
	}
	l.checkOutposts(t, key)
	if _, err := t.users(); err != nil {
		l.addProblem(key+".users_file", err.Error())
	}
	l.checkIntrospection(t, key+".introspection")
	return len(l.Problems) == before
}

func (l *Result) checkOutposts(t *Tenant, key string) {
	seen := map[string]bool{}
	for i := range t.Outposts {
		o, at := &t.Outposts[i], fmt.Sprintf("%s.outposts[%d]", key, i)
		made, err := o.read()
		switch {
		case !uuid.MatchString(o.UUID):
			l.addProblem(at+".uuid", "must be a uuid in lower case with dashes")
		case !o.hasToken():
			continue
		case (o.Token == "") == (o.TokenFile == ""):
			l.addProblem(at, "needs exactly one of token, token_file")
		case err != nil:
			l.addProblem(at, err.Error())
		case len(made.Token) < minAPIKey || len(made.Token) > auth.MaxAPIKey:
			l.addProblem(at, fmt.Sprintf("has a token of %d bytes; %d to %d are needed (openssl rand -hex 30)",
				len(made.Token), minAPIKey, auth.MaxAPIKey))
		case seen[made.Token]:
			l.addProblem(at, "has a token that is there twice; give each outpost tokens of its own")
		}
		seen[made.Token] = true
	}
	l.checkDocuments(t, key)
}

func (l *Result) checkIntrospection(t *Tenant, key string) {
	settings := t.Introspection
	switch {
	case !settings.Enabled() && (settings.Secret != "" || settings.SecretFile != "" || len(settings.Topics) > 0):
		l.addProblem(key+".url", "is missing; without it nobody is asked")
		return
	case settings.Enabled() && settings.Secret != "" && settings.SecretFile != "":
		l.addProblem(key+".secret", "is set beside secret_file; choose one")
		return
	case settings.SecretFile != "":
		var err error
		if settings.Secret, err = readSecret(settings.SecretFile); err != nil {
			l.addProblem(key+".secret_file", err.Error())
			return
		}
	}
	for _, problem := range settings.Problems() {
		l.addProblem(key+"."+problem.Key, problem.Text)
	}
	if err := try(auth.TenantKeys{Introspection: settings}); err != nil {
		l.addProblem(key+".topics", strings.TrimPrefix(err.Error(), "introspection: "))
	}
}

// checkSharedHosts finds tenants that share a host but no token could tell apart there.
func (l *Result) checkSharedHosts() {
	all := map[string]auth.TenantKeys{}
	sharing := Sharing(l.Config.Tenants)
	for i := range l.Config.Tenants {
		if t := &l.Config.Tenants[i]; sharing[t.Name] {
			keys, _ := t.TokenKeys()
			keys.AllowUnresolved = true
			all[t.Name] = keys
		}
	}
	if _, err := auth.New(auth.Config{}, all); err != nil {
		l.addProblem("tenants", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// try returns the error that auth has for some settings.
func try(settings auth.TenantKeys) error {
	_, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"this": settings})
	return plain(err)
}
