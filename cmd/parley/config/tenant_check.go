package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// checkTenants adds the problems of tenants, by themselves and together.
func checkTenants(c *Config, d *Diagnostics) {
	if len(c.Tenants) == 0 {
		d.addProblem("tenants", "none; name at least one in the file, or start with --dev")
	}
	seen := map[string]string{}
	for i := range c.Tenants {
		check := tenantCheck{d, &c.Tenants[i], fmt.Sprintf("tenants[%d]", i), seen}
		check.all()
	}
	if len(d.Problems) == 0 {
		checkSharedHosts(c, d)
	}
}

// tenantCheck adds the problems of one tenant.
type tenantCheck struct {
	*Diagnostics
	tenant *Tenant
	key    string            // such as "tenants[0]"
	seen   map[string]string // what must be unique, and the tenant that has it
}

func (c *tenantCheck) all() {
	t, key := c.tenant, c.key
	if err := protocol.CheckName("the name", t.Name); err != nil {
		c.addProblem(key+".name", err.Error())
	}
	c.requireUnique("tenant "+t.Name, key+".name", "another tenant has this name")
	for j, host := range t.Hosts {
		same := func(other string) bool { return CanonicalHost(other) == CanonicalHost(host) }
		if slices.ContainsFunc(t.Hosts[:j], same) {
			c.addProblem(fmt.Sprintf("%s.hosts[%d]", key, j), "is there twice")
		}
	}
	c.apiKeys()
	c.tokenKeys()
	if t.Connections < 0 {
		c.addProblem(key+".connections", "must not be negative; 0 is no limit")
	}
	checkRules(t.TopicRules, key+".topic_rules", c.Diagnostics)
	checkRates(&t.Rates, key+".rates", c.Diagnostics)
	checkLifecycle(&t.Lifecycle, key+".lifecycle", c.Diagnostics)
}

// requireUnique adds a problem with a setting if another tenant has the same.
func (c *tenantCheck) requireUnique(what, key, text string) {
	if other, ok := c.seen[what]; ok && other != c.key {
		c.addProblem(key, text)
	}
	c.seen[what] = c.key
}

// minAPIKey is the least length of a backend's key, in bytes: short ones can be guessed.
const minAPIKey = 16

func (c *tenantCheck) apiKeys() {
	t, key := c.tenant, c.key
	keys, err := t.BackendKeys()
	if err != nil {
		c.addProblem(key+".api_key_file", err.Error())
	}
	for j, secret := range keys {
		at := fmt.Sprintf("%s.api_keys[%d]", key, j)
		if j >= len(t.APIKeys) {
			at = key + ".api_key_file"
		}
		if len(secret) < minAPIKey {
			c.addProblem(at, fmt.Sprintf("is too short; the least is %d bytes (openssl rand -hex 24)", minAPIKey))
		}
		c.requireUnique("key "+secret, at, "another tenant has this key")
	}
}

// tokenKeys asks auth, first about each key and then about the rules, and about what the keys mean to each other.
func (c *tenantCheck) tokenKeys() {
	t, key := c.tenant, c.key
	sound := c.credentials()
	for j := range t.Keys {
		at := fmt.Sprintf("%s.keys[%d]", key, j)
		warnings, err := t.Keys[j].check()
		for _, warning := range warnings {
			c.addWarning(at, "left out: "+warning)
		}
		if err != nil {
			c.addProblem(at, err.Error())
			sound = false
		}
	}
	rules := t.rules()
	if sound {
		rules, _ = t.TokenKeys()
	}
	if err := try(rules); err != nil {
		c.addProblem(key, err.Error())
	}
}

var uuid = regexp.MustCompile("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

// credentials adds the problems of the credentials beside tokens, each with its own line. It reports whether there
// are none.
func (c *tenantCheck) credentials() bool {
	t, key := c.tenant, c.key
	before := len(c.Problems)
	if rules, err := t.Cookie.read(); err != nil {
		c.addProblem(key+".cookie.secret_key_file", err.Error())
	} else if err := try(auth.TenantKeys{Cookie: auth.CookieRules{Secrets: rules.Secrets}}); err != nil {
		c.addProblem(key+".cookie", err.Error())
	}
	c.outposts()
	c.apps()
	if _, err := t.users(); err != nil {
		c.addProblem(key+".users_file", err.Error())
	}
	c.introspection()
	return len(c.Problems) == before
}

func (c *tenantCheck) outposts() {
	t, key := c.tenant, c.key
	seen := map[string]bool{}
	for i := range t.Outposts {
		o, at := &t.Outposts[i], fmt.Sprintf("%s.outposts[%d]", key, i)
		made, err := o.read()
		switch {
		case !uuid.MatchString(o.UUID):
			c.addProblem(at+".uuid", "must be a uuid in lower case with dashes")
		case !o.hasToken():
			continue
		case (o.Token == "") == (o.TokenFile == ""):
			c.addProblem(at, "needs exactly one of token, token_file")
		case err != nil:
			c.addProblem(at, err.Error())
		case len(made.Token) < minAPIKey || len(made.Token) > auth.MaxAPIKey:
			c.addProblem(at, fmt.Sprintf("has a token of %d bytes; %d to %d are needed (openssl rand -hex 30)",
				len(made.Token), minAPIKey, auth.MaxAPIKey))
		case seen[made.Token]:
			c.addProblem(at, "has a token that is there twice; give each outpost tokens of its own")
		}
		seen[made.Token] = true
	}
	c.documents()
}

func (c *tenantCheck) introspection() {
	settings, key := c.tenant.Introspection, c.key+".introspection"
	switch {
	case !settings.Enabled() && (settings.Secret != "" || settings.SecretFile != "" || len(settings.Topics) > 0):
		c.addProblem(key+".url", "is missing; without it nobody is asked")
		return
	case settings.Enabled() && settings.Secret != "" && settings.SecretFile != "":
		c.addProblem(key+".secret", "is set beside secret_file; choose one")
		return
	case settings.SecretFile != "":
		var err error
		if settings.Secret, err = readSecret(settings.SecretFile); err != nil {
			c.addProblem(key+".secret_file", err.Error())
			return
		}
	}
	for _, problem := range settings.Problems() {
		c.addProblem(key+"."+problem.Key, problem.Text)
	}
	if err := try(auth.TenantKeys{Introspection: settings}); err != nil {
		c.addProblem(key+".topics", strings.TrimPrefix(err.Error(), "introspection: "))
	}
}

// documents adds the problems of the documents for outposts.
func (c *tenantCheck) documents() {
	t, key := c.tenant, c.key
	from := map[string]string{}
	for i := range t.Outposts {
		o, at := &t.Outposts[i], fmt.Sprintf("%s.outposts[%d].documents", key, i)
		if o.Documents == "" {
			continue
		}
		if other, ok := from[o.UUID]; ok && other != o.Documents {
			c.addProblem(at, "differs from what another entry of this outpost says")
		}
		from[o.UUID] = o.Documents
		documents, err := readDocuments(o.Documents)
		if err != nil {
			c.addProblem(at, err.Error())
		} else if problem := documents.Problem(); problem != "" {
			c.addProblem(at, problem)
		}
	}
}

// checkSharedHosts finds tenants that share a host but no token could tell apart there.
func checkSharedHosts(c *Config, d *Diagnostics) {
	all := map[string]auth.TenantKeys{}
	sharing := Sharing(c.Tenants)
	for i := range c.Tenants {
		if t := &c.Tenants[i]; sharing[t.Name] {
			keys, _ := t.TokenKeys()
			keys.AllowUnresolved = true
			all[t.Name] = keys
		}
	}
	if _, err := auth.New(auth.Config{}, all); err != nil {
		d.addProblem("tenants", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
