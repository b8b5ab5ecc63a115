package auth

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// tenant holds a tenant's keys and rules. It is never changed: new settings make a new tenant with the same
// tenantState.
type tenant struct {
	name            string
	keys            keyRing // of tokens
	cookies         keyRing // of session cookies
	signing         []*key
	leeway          time.Duration
	user            []string
	topics          []protocol.Pattern
	anonymous       []protocol.Pattern
	neverExpire     bool
	outposts        []outpost
	allowUnverified bool
	users           map[string]struct{}   // that exist; nil for all
	accessTopics    []protocol.Pattern    // topics about which the backend is asked
	introspection   introspection.Config  // as it was set
	backend         *introspection.Client // nil if there is none
	allowUnresolved bool
	remoteKeySets   []*remoteKeySet
	warnings        []string     // about keys that were left out
	state           *tenantState // shared with the tenants of this name before
}

// newTenant checks the settings. The error names tenant, key, problem and way out, and holds no secret. The new tenant
// takes over from the one of that name in the table, if there is one. It is called with mu held.
func (v *Verifier) newTenant(name string, settings TenantKeys) (*tenant, error) {
	before := v.table.Load().byName[name]
	t := &tenant{
		name: name, state: v.state(name), neverExpire: settings.NeverExpire, leeway: settings.Leeway,
		user: settings.User, users: setOf(settings.Users), introspection: settings.Introspection,
		allowUnverified: settings.AllowUnverified, allowUnresolved: settings.AllowUnresolved,
	}
	problems := []error{
		protocol.CheckName("the name", name), t.addKeys(settings, before, v), t.addCookies(settings),
		t.addOutposts(settings.Outposts, before, v.now()), t.addBackend(before, &v.config),
	}
	var err error
	if t.topics, err = patterns(settings.Topics); err != nil {
		problems = append(problems, fmt.Errorf("topics: %w", err))
	}
	if t.anonymous, err = patterns(settings.AnonymousTopics); err != nil {
		problems = append(problems, fmt.Errorf("anonymous topics: %w", err))
	}
	problems = append(problems, t.checkRules())
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("tenant %s: %w", protocol.Quote(name), err)
	}
	return t, nil
}

func (t *tenant) checkRules() error {
	var problems []error
	switch {
	case t.leeway == 0:
		t.leeway = DefaultLeeway
	case t.leeway == NoLeeway:
		t.leeway = 0
	case t.leeway < 0 || t.leeway > MaxLeeway:
		problems = append(problems, fmt.Errorf("leeway is %s; it may be at most %s, so set the clocks instead",
			t.leeway, MaxLeeway))
	}
	if len(t.user) == 0 {
		t.user = []string{"sub"}
	}
	for _, claim := range t.user {
		if strings.Contains("."+claim+".", "..") {
			problems = append(problems, fmt.Errorf("user claim %s has an empty part; write it as sub or data.id",
				protocol.Quote(claim)))
		}
	}
	return errors.Join(problems...)
}

func (t *tenant) addKeys(settings TenantKeys, before *tenant, v *Verifier) error {
	count := 0
	for i := range settings.Keys {
		given := &settings.Keys[i]
		document, err := t.remoteDocument(given.URL, before, v)
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
			t.warnings = append(t.warnings, fmt.Sprintf("key %d: %s", i+1, warning))
		}
		for _, k := range built.keys {
			k.issuer = cmp.Or(given.Issuer, settings.Issuer)
			k.audience = cmp.Or(given.Audience, settings.Audience)
			err := t.keys.add(k)
			switch {
			case err != nil && given.isSet():
				t.warnings = append(t.warnings, fmt.Sprintf("key %d: a key of the set %s", i+1, err))
			case err != nil:
				return fmt.Errorf("key %d %w", i+1, err)
			case k.sign != nil:
				t.signing = append(t.signing, k)
			}
		}
	}
	return nil
}

// fingerprints returns those of all its keys.
func (t *tenant) fingerprints() (all []protocol.KeyFingerprint) {
	for _, r := range [...]*keyRing{&t.keys, &t.cookies} {
		for _, k := range r.all {
			all = append(all, k.fingerprint)
		}
	}
	return all
}

// hasKey reports whether a key with this fingerprint is still one of the tenant's.
func (t *tenant) hasKey(fingerprint protocol.KeyFingerprint) bool {
	return t.keys.has(fingerprint) || t.cookies.has(fingerprint)
}

// admitsForever reports whether the tenant admits credentials that do not end by themselves: its revocations must not
// end then, either.
func (t *tenant) admitsForever() bool {
	return t.neverExpire || len(t.cookies.all) > 0 || len(t.outposts) > 0 || t.allowUnverified || t.backend != nil
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
