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
	Unproven        bool          `yaml:"unproven" env:"UNPROVEN" envDefault:"false"`
	Users           []string      `yaml:"users" unit:"names"`
	UsersFile       string        `yaml:"users_file" unit:"file"`
	Lobby           bool          `yaml:"lobby" env:"LOBBY" envDefault:"false"`
	Connections     int           `yaml:"connections" env:"CONNECTIONS" envDefault:"0" unit:"connections"`
	Linger          time.Duration `yaml:"linger" env:"LINGER" envDefault:"0s" unit:"duration"`

	TopicRules    []policy.Rule        `yaml:"topic_rules"`
	Rates         limit.RateLimits     `yaml:"rates" envPrefix:"RATES_"`
	Introspection introspection.Config `yaml:"introspection" envPrefix:"INTROSPECTION_"`
	Lifecycle     Lifecycle            `yaml:"lifecycle" envPrefix:"LIFECYCLE_"`
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
		AllowUnverified: t.Unproven,
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
