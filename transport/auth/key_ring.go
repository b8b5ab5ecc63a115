package auth

import (
	"fmt"
	"slices"

	"github.com/parley-realtime/parley/protocol"
)

// keyRing holds the keys that check one kind of token. It is never changed once its tenant is made.
type keyRing struct {
	all         []*key
	byID        map[string]*key
	byAlgorithm map[string][]*key // at most maxTried each
}

func (r *keyRing) add(k *key) error {
	if r.byID == nil {
		r.byID, r.byAlgorithm = map[string]*key{}, map[string][]*key{}
	}
	if k.id != "" {
		if r.byID[k.id] != nil {
			return fmt.Errorf("has the kid %s, which another key of the tenant has; give each its own",
				protocol.Quote(k.id))
		}
		r.byID[k.id] = k
	}
	if same := r.byAlgorithm[k.method.Alg()]; len(same) < maxTried {
		r.byAlgorithm[k.method.Alg()] = append(same, k)
	}
	r.all = append(r.all, k)
	return nil
}

// matching returns the keys that a token may be checked with.
func (r *keyRing) matching(tok *token) ([]*key, Outcome) {
	if tok.kid == "" {
		if same := r.byAlgorithm[tok.algorithm]; len(same) > 0 {
			return same, Accepted
		}
		return nil, BadAlgorithm
	}
	named := r.byID[tok.kid]
	switch {
	case named == nil:
		return nil, UnknownKey
	case named.method.Alg() != tok.algorithm:
		return nil, BadAlgorithm
	}
	return []*key{named}, Accepted
}

// has reports whether a key with this fingerprint is in the ring.
func (r *keyRing) has(fingerprint protocol.KeyFingerprint) bool {
	return slices.ContainsFunc(r.all, func(k *key) bool { return k.fingerprint == fingerprint })
}
