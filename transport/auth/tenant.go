package auth

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// tenant is a tenant's keys and rules. It is never changed: new keys are a new tenant, with the old one's ledger.
type tenant struct {
	name        string
	byID        map[string]*key
	byAlgorithm map[string][]*key // at most maxTried each
	signing     []*key
	issuer      string
	audience    string
	leeway      time.Duration
	user        []string
	topics      []protocol.Pattern
	anonymous   []protocol.Pattern
	neverExpire bool
	account     *ledger // shared with its predecessors
}

// newTenant checks the settings; the error names tenant, key, problem and way out, and holds no secret.
func newTenant(name string, settings TenantKeys, account *ledger) (*tenant, error) {
	t := &tenant{
		name: name, account: account,
		issuer: settings.Issuer, audience: settings.Audience, neverExpire: settings.NeverExpire,
		leeway: settings.Leeway, user: settings.User,
		byID: map[string]*key{}, byAlgorithm: map[string][]*key{},
	}
	problems := []error{protocol.CheckName("the name", name), t.addKeys(settings.Keys)}
	var err error
	if t.topics, err = patterns(settings.Topics); err != nil {
		problems = append(problems, fmt.Errorf("topics: %w", err))
	}
	if t.anonymous, err = patterns(settings.AnonymousTopics); err != nil {
		problems = append(problems, fmt.Errorf("anonymous topics: %w", err))
	}
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
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("tenant %s: %w", protocol.Quote(name), err)
	}
	return t, nil
}

func (t *tenant) addKeys(keys []Key) error {
	count := 0
	for i := range keys {
		built, err := keys[i].build()
		if err != nil {
			return fmt.Errorf("key %d (kid %s) %w", i+1, protocol.Quote(keys[i].ID), err)
		}
		if count += len(built); count > MaxKeys {
			return fmt.Errorf("key %d makes more than %d keys; remove those that sign nothing any more", i+1, MaxKeys)
		}
		for _, k := range built {
			if err := t.add(k); err != nil {
				return fmt.Errorf("key %d %w", i+1, err)
			}
		}
	}
	return nil
}

func (t *tenant) add(k *key) error {
	if k.id != "" {
		if t.byID[k.id] != nil {
			return fmt.Errorf("has the kid %s, which another key of the tenant has; give each its own", protocol.Quote(k.id))
		}
		t.byID[k.id] = k
	}
	if same := t.byAlgorithm[k.method.Alg()]; len(same) < maxTried {
		t.byAlgorithm[k.method.Alg()] = append(same, k)
	}
	if k.sign != nil {
		t.signing = append(t.signing, k)
	}
	return nil
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

// candidates are the keys that a token may be checked with.
func (t *tenant) candidates(tok *token) ([]*key, Outcome) {
	if tok.kid == "" {
		if same := t.byAlgorithm[tok.algorithm]; len(same) > 0 {
			return same, Accepted
		}
		return nil, BadAlgorithm
	}
	named := t.byID[tok.kid]
	switch {
	case named == nil:
		return nil, UnknownKey
	case named.method.Alg() != tok.algorithm:
		return nil, BadAlgorithm
	}
	return []*key{named}, Accepted
}
