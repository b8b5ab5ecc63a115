package auth

import (
	"cmp"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/parley-realtime/parley/protocol"
)

// tenantBuilder checks the settings of a tenant and makes the tenant. It is used once, with the registry's mu held.
type tenantBuilder struct {
	config   *Config
	settings TenantKeys
	before   *tenant // from which made takes over; nil for none
	// accept takes a new document of a key set.
	accept func(set *remoteKeySet, document []byte) error
	made   *tenant // has its name and its state from the beginning
}

// build returns the tenant. The error names tenant, key, problem and way out, and holds no secret.
func (b *tenantBuilder) build() (*tenant, error) {
	t, given := b.made, &b.settings
	t.users, t.allowUnverified, t.allowUnresolved = setOf(given.Users), given.AllowUnverified, given.AllowUnresolved
	problems := []error{protocol.CheckName("the name", t.name), b.addKeys(), b.addCookieKeys()}
	add := func(err error) { problems = append(problems, err) }
	var known outpostTokens
	if b.before != nil {
		known = b.before.outposts
	}
	var err error
	t.outposts, err = newOutpostTokens(given.Outposts, known, b.config.Clock())
	add(err)
	t.apps, err = newApps(given.Apps)
	add(named("apps", err))
	t.backend, err = b.backend()
	add(err)
	t.rules.topics, err = patterns(given.Topics)
	add(named("topics", err))
	t.anonymous, err = patterns(given.AnonymousTopics)
	add(named("anonymous topics", err))
	add(t.rules.set(given))
	t.signer.tenant, t.signer.user = t.name, t.rules.user
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("tenant %s: %w", protocol.Quote(t.name), err)
	}
	return t, nil
}

// named puts the name of a setting before an error; nil stays nil.
func named(setting string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", setting, err)
}

// addKeys adds the keys that check tokens, and those of them that sign.
func (b *tenantBuilder) addKeys() error {
	count := 0
	for i := range b.settings.Keys {
		given := &b.settings.Keys[i]
		document, err := b.document(given.URL)
		if err != nil {
			return fmt.Errorf("key %d (kid %s) %w", i+1, protocol.Quote(given.ID), err)
		}
		built, err := given.build(document)
		if err != nil {
			return fmt.Errorf("key %d (kid %s) %w", i+1, protocol.Quote(given.ID), err)
		}
		if count += len(built.keys); count > MaxKeys {
			return fmt.Errorf("key %d makes more than %d keys; remove those that sign nothing any more", i+1, MaxKeys)
		}
		for _, warning := range built.warnings {
			b.warn(i+1, warning)
		}
		for _, k := range built.keys {
			k.issuer = cmp.Or(given.Issuer, b.settings.Issuer)
			k.audience = cmp.Or(given.Audience, b.settings.Audience)
			k.number, k.ownIssuer, k.ownAudience = i, given.Issuer != "", given.Audience != ""
			err := b.made.keys.add(k)
			switch {
			case err != nil && given.isSet():
				b.warn(i+1, "a key of the set "+err.Error())
			case err != nil:
				return fmt.Errorf("key %d %w", i+1, err)
			case k.sign != nil:
				b.made.signer.keys = append(b.made.signer.keys, k)
			}
		}
	}
	return nil
}

func (b *tenantBuilder) warn(number int, warning string) {
	b.made.warnings = append(b.made.warnings, fmt.Sprintf("key %d: %s", number, warning))
}

// document returns the document of the key set at a URL, nil for none yet. The tenant takes over the key set of the
// tenant before.
func (b *tenantBuilder) document(url string) ([]byte, error) {
	if url == "" {
		return nil, nil
	}
	if set := b.made.remote.find(url); set != nil {
		return set.document, nil
	}
	var set *remoteKeySet
	if b.before != nil {
		set = b.before.remote.find(url)
	}
	if set == nil {
		var err error
		if set, err = newRemoteKeySet(url, b.config.Logger.With("tenant", b.made.name), b.accept); err != nil {
			return nil, err
		}
	}
	b.made.remote = append(b.made.remote, set)
	return set.document, nil
}

// addCookieKeys adds the keys that sign session cookies: first those of authentik, then the tenant's, if these may.
func (b *tenantBuilder) addCookieKeys() error {
	for i, secret := range b.settings.Cookie.Secrets {
		if len(secret) < minSecret {
			return fmt.Errorf("cookie secret %d has %d bytes; at least %d are needed, since anybody who guesses it "+
				"can make cookies", i+1, len(secret), minSecret)
		}
		sum := sha512.Sum512([]byte(secret))
		signing := []byte(hex.EncodeToString(sum[:]))
		k, err := newKey("", "HS256", signing, nil)
		if err != nil {
			return fmt.Errorf("cookie secret %d %w", i+1, err)
		}
		k.session, k.number = true, -1
		if err := b.made.cookies.add(k); err != nil {
			return err
		}
	}
	if !b.settings.Cookie.Tokens {
		return nil
	}
	for _, k := range b.made.keys.all {
		if err := b.made.cookies.add(k); err != nil {
			return err
		}
	}
	return nil
}

// backend returns the tenant's backend: that of the tenant before, with its cached answers, if the settings are the
// same.
func (b *tenantBuilder) backend() (backend, error) {
	if b.before != nil && b.before.backend.isSetAs(&b.settings.Introspection) {
		return b.before.backend, nil
	}
	return newBackend(b.made.name, b.settings.Introspection, b.config)
}

func setOf(names []string) map[string]struct{} {
	if names == nil {
		return nil
	}
	set := make(map[string]struct{}, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}

func patterns(texts []string) ([]protocol.Pattern, error) {
	if texts == nil {
		return []protocol.Pattern{"*"}, nil
	}
	all := make([]protocol.Pattern, len(texts))
	for i, text := range texts {
		if err := checkPattern(text); err != nil {
			return nil, fmt.Errorf("%s is no pattern (a/b, a/*, a* or *): %w", protocol.Quote(text), err)
		}
		all[i] = protocol.Pattern(text)
	}
	return all, nil
}
