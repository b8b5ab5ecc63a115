package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// Tenant is one isolated customer.
type Tenant struct {
	Name            string        `yaml:"name" unit:"name"`
	Hosts           []string      `yaml:"hosts" unit:"names"`
	APIKeys         []string      `yaml:"api_keys" unit:"secrets"`
	APIKeyFile      string        `yaml:"api_key_file" unit:"file"`
	Keys            []Key         `yaml:"keys"`
	Issuer          string        `yaml:"issuer" unit:"text"`
	Audience        string        `yaml:"audience" unit:"text"`
	Leeway          time.Duration `yaml:"leeway" env:"LEEWAY" envDefault:"10s" unit:"duration"`
	UserClaim       []string      `yaml:"user_claim" env:"USER_CLAIM" envDefault:"sub" unit:"claims"`
	Topics          []string      `yaml:"topics" env:"TOPICS" envDefault:"*" unit:"patterns"`
	AnonymousTopics []string      `yaml:"anonymous_topics" env:"ANONYMOUS_TOPICS" envDefault:"*" unit:"patterns"`
	NeverExpire     bool          `yaml:"never_expire" env:"NEVER_EXPIRE" envDefault:"false"`
	Cookie          Cookie        `yaml:"cookie" envPrefix:"COOKIE_"`
	Outposts        []Outpost     `yaml:"outposts"`
	Apps            []App         `yaml:"apps"`
	AllowUnverified bool          `yaml:"unproven" env:"UNPROVEN" envDefault:"false"`
	Users           []string      `yaml:"users" unit:"names"`
	UsersFile       string        `yaml:"users_file" unit:"file"`
	AllowUnresolved bool          `yaml:"lobby" env:"LOBBY" envDefault:"false"`
	Connections     int           `yaml:"connections" env:"CONNECTIONS" envDefault:"0" unit:"connections"`
	Linger          time.Duration `yaml:"linger" env:"LINGER" envDefault:"0s" unit:"duration"`

	TopicRules    []policy.Rule        `yaml:"topic_rules"`
	Rates         limit.RateLimits     `yaml:"rates" envPrefix:"RATES_"`
	Introspection introspection.Config `yaml:"introspection" envPrefix:"INTROSPECTION_"`
	Lifecycle     Lifecycle            `yaml:"lifecycle" envPrefix:"LIFECYCLE_"`
}

// Help is one line of meaning for each key.
func (Tenant) Help() map[string]string {
	return map[string]string{
		"name":         "Its word in logs, metrics and commands.",
		"hosts":        "Host headers that belong to it, without port; a single tenant needs none.",
		"api_keys":     "Keys of its backends, at least 16 bytes each.",
		"api_key_file": "A file with further API keys, one a line.",
		"issuer":       "The iss that its tokens must have; empty for any.",
		"audience":     "An aud that its tokens must have; empty for any.",
		"leeway":       "How far clocks may differ, at most 30s.",
		"user_claim": "The claims that may name the user, the first that is there wins; a dot goes deeper " +
			"(data.id).",
		"topics":           "What a token without the claim topics may subscribe to.",
		"anonymous_topics": "The same for a client without a token, where a dialect lets one in.",
		"never_expire":     "Accept tokens without exp.",
		"unproven": "Let in clients that show no credential, as the user that they name, where a dialect's " +
			"own setting lets them, too.",
		"users": "The users that exist, where a dialect demands one that is known; left out, introspection is " +
			"asked, and without it whoever has a token exists.",
		"users_file": "A file with further users, one a line.",
		"lobby": "Let in its clients on hosts that are no tenant's, too, as a tenant without hosts does. Where " +
			"several are let in, the key of a token says whose it is.",
		"connections": "Bound of its connections, all dialects together; 0 is none.",
		"linger":      "How long its clients may come back to what they had; 0s is engine.linger, -1s is off.",
	}
}

// Key checks a tenant's tokens. Its algorithm is pinned to it.
type Key struct {
	Alg           string `yaml:"alg" unit:"HS256...EdDSA"`
	Kid           string `yaml:"kid" unit:"text"`
	Issuer        string `yaml:"issuer" unit:"text"`
	Audience      string `yaml:"audience" unit:"text"`
	Secret        string `yaml:"secret" unit:"secret"`
	SecretFile    string `yaml:"secret_file" unit:"file"`
	PublicKeyFile string `yaml:"public_key_file" unit:"file"`
	JWKSFile      string `yaml:"jwks_file" unit:"file"`
	JWKSURL       string `yaml:"jwks_url" unit:"URL"`
}

// Help is one line of meaning for each key.
func (Key) Help() map[string]string {
	return map[string]string{
		"alg":         "The one algorithm of the key; empty for what its kind suggests. A JWKS brings its own.",
		"kid":         "The kid by which tokens name it; empty for tokens without.",
		"issuer":      "The iss that tokens of this key must have; empty for the tenant's.",
		"audience":    "An aud that tokens of this key must have; empty for the tenant's.",
		"secret":      "The secret of an HS key, at least 32 bytes.",
		"secret_file": "A file with that secret; one line break at its end is left out.",
		"public_key_file": "A PEM public key or certificate of an RS, ES or Ed key; with a private key, parley token " +
			"can sign.",
		"jwks_file": "A JSON Web Key Set.",
		"jwks_url": "Where a JSON Web Key Set is published (https, or http on loopback); fetched at the start, as " +
			"its cache headers say, and for an unknown kid.",
	}
}

// BackendKeys are its API keys, with those of its file.
func (t *Tenant) BackendKeys() ([]string, error) {
	if t.APIKeyFile == "" {
		return t.APIKeys, nil
	}
	text, err := readText(t.APIKeyFile)
	if err != nil {
		return nil, err
	}
	return append(t.APIKeys[:len(t.APIKeys):len(t.APIKeys)], strings.Fields(text)...), nil
}

// TokenKeys are its keys and rules, with the files read. The error names the key or file in question.
func (t *Tenant) TokenKeys() (auth.TenantKeys, error) {
	made := t.rules()
	if err := t.readCredentials(&made); err != nil {
		return made, fmt.Errorf("tenant %s: %w", t.Name, err)
	}
	for i := range t.Keys {
		k, err := t.Keys[i].read()
		if err != nil {
			return made, fmt.Errorf("tenant %s: key %d: %w", t.Name, i+1, err)
		}
		made.Keys = append(made.Keys, k)
	}
	return made, nil
}

// rules are what its tokens must say, without the keys.
func (t *Tenant) rules() auth.TenantKeys {
	made := auth.TenantKeys{
		Issuer: t.Issuer, Audience: t.Audience, Leeway: t.Leeway, User: t.UserClaim,
		Topics: t.Topics, AnonymousTopics: t.AnonymousTopics, NeverExpire: t.NeverExpire,
		AllowUnverified: t.AllowUnverified,
	}
	if t.Leeway == 0 {
		made.Leeway = auth.NoLeeway
	}
	return made
}

// read makes the key, reading its file.
func (k *Key) read() (auth.Key, error) {
	made := auth.Key{ID: k.Kid, Algorithm: k.Alg, Issuer: k.Issuer, Audience: k.Audience, Secret: k.Secret,
		URL: k.JWKSURL}
	var err error
	switch {
	case k.SecretFile != "":
		made.Secret, err = readSecret(k.SecretFile)
	case k.PublicKeyFile != "":
		made.PEM, err = readBounded(k.PublicKeyFile)
	case k.JWKSFile != "":
		made.JWKS, err = readBounded(k.JWKSFile)
	}
	if err != nil {
		return made, errors.New("its file " + cause(err))
	}
	return made, nil
}

// check returns what is wrong with one key by itself, and a warning for each part of it that is left out.
func (k *Key) check() (warnings []string, err error) {
	given := 0
	for _, source := range []string{k.Secret, k.SecretFile, k.PublicKeyFile, k.JWKSFile, k.JWKSURL} {
		if source != "" {
			given++
		}
	}
	if given != 1 {
		return nil, errors.New("needs exactly one of secret, secret_file, public_key_file, jwks_file, jwks_url")
	}
	key, err := k.read()
	if err != nil {
		return nil, err
	}
	return key.Check()
}

// plain is an error of auth without the tenant and key in front, which the problem's place names.
func plain(err error) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), `tenant "this": `)
	if _, after, ok := strings.Cut(text, ") "); ok && strings.HasPrefix(text, "key 1 (kid ") {
		text = after
	}
	return errors.New(strings.ReplaceAll(text, "\n", "; "))
}
