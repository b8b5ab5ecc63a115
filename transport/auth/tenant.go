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

// tenant is a tenant's keys and rules. It is never changed: new keys are a new tenant, with the old one's ledger.
type tenant struct {
	name        string
	keys        ring // of tokens
	cookies     ring // of session cookies
	signing     []*key
	leeway      time.Duration
	user        []string
	topics      []protocol.Pattern
	anonymous   []protocol.Pattern
	neverExpire bool
	outposts    []outpost
	unproven    bool
	users       map[string]struct{}   // that exist; nil for all
	access      []protocol.Pattern    // topics that the backend is asked about
	asks        introspection.Config  // as it was set
	backend     *introspection.Client // nil if there is none
	lobby       bool
	account     *ledger // shared with its predecessors
}

// newTenant checks the settings; the error names tenant, key, problem and way out, and holds no secret. before is the
// tenant that this one follows, nil if it is new.
func newTenant(name string, settings TenantKeys, account *ledger, before *tenant, cfg *Config) (*tenant, error) {
	t := &tenant{
		name: name, account: account, neverExpire: settings.NeverExpire, leeway: settings.Leeway, user: settings.User,
		unproven: settings.Unproven, lobby: settings.Lobby, asks: settings.Introspection, users: setOf(settings.Users),
	}
	problems := []error{
		protocol.CheckName("the name", name), t.addKeys(settings), t.addCookies(settings),
		t.addOutposts(settings.Outposts, before, cfg.Clock()), t.addBackend(before, cfg),
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
		problems = append(problems, fmt.Errorf("leeway is %s; it may be at most %s, so set the clocks instead", t.leeway, MaxLeeway))
	}
	if len(t.user) == 0 {
		t.user = []string{"sub"}
	}
	for _, claim := range t.user {
		if strings.Contains("."+claim+".", "..") {
			problems = append(problems, fmt.Errorf("user claim %s has an empty part; write it as sub or data.id", protocol.Quote(claim)))
		}
	}
	return errors.Join(problems...)
}

func (t *tenant) addKeys(settings TenantKeys) error {
	count := 0
	for i := range settings.Keys {
		built, err := settings.Keys[i].build()
		if err != nil {
			return fmt.Errorf("key %d (kid %s) %w", i+1, protocol.Quote(settings.Keys[i].ID), err)
		}
		if count += len(built); count > MaxKeys {
			return fmt.Errorf("key %d makes more than %d keys; remove those that sign nothing any more", i+1, MaxKeys)
		}
		for _, k := range built {
			k.issuer = cmp.Or(settings.Keys[i].Issuer, settings.Issuer)
			k.audience = cmp.Or(settings.Keys[i].Audience, settings.Audience)
			if err := t.keys.add(k); err != nil {
				return fmt.Errorf("key %d %w", i+1, err)
			}
			if k.sign != nil {
				t.signing = append(t.signing, k)
			}
		}
	}
	return nil
}

// has reports whether a key of this word is still one of the tenant's.
func (t *tenant) has(word string) bool { return t.keys.has(word) || t.cookies.has(word) }

// lasts reports whether something lets in that does not end by itself: revocations must then not end either.
func (t *tenant) lasts() bool {
	return t.neverExpire || len(t.cookies.all) > 0 || len(t.outposts) > 0 || t.unproven || t.backend != nil
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
