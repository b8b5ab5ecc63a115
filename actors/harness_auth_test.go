package actors

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

// gateway is an Authenticator that knows its identities by token, and can be told to wait.
type gateway struct {
	mu       sync.Mutex
	known    map[string]*protocol.Identity
	hold     chan struct{} // if not nil, Authenticate waits for it
	revoked  []grant.Revocation
	notKept  error         // what Revoke says
	inside   chan struct{} // if not nil, gets a value when an Authenticate begins to wait
	rejected int
}

func (g *gateway) Authenticate(ctx context.Context, _ string, c protocol.Credential) (*protocol.Identity, error) {
	g.mu.Lock()
	id, hold := g.known[c.Token], g.hold
	for _, r := range g.revoked {
		if id != nil && r.Covers(id) {
			id = nil
		}
	}
	if id == nil {
		g.rejected++
	}
	g.mu.Unlock()
	if hold != nil {
		if g.inside != nil {
			g.inside <- struct{}{}
		}
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	if id == nil {
		return nil, &protocol.Refusal{Reason: protocol.InvalidToken}
	}
	return id, nil
}

// Revoke implements revoker.
func (g *gateway) Revoke(_ string, r grant.Revocation) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.revoked = append(g.revoked, r)
	return g.notKept
}

// Unrevoke implements revoker.
func (g *gateway) Unrevoke(_ string, r grant.Revocation) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := len(g.revoked)
	g.revoked = slices.DeleteFunc(g.revoked, func(known grant.Revocation) bool {
		return known.User == r.User && known.TokenID == r.TokenID
	})
	return len(g.revoked) < before, nil
}

func (g *gateway) know(token string, id *protocol.Identity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known == nil {
		g.known = map[string]*protocol.Identity{}
	}
	g.known[token] = id
}

func login(token string) protocol.Authenticate {
	return protocol.Authenticate{Credential: protocol.Credential{Token: token}}
}

// guarded runs a test in a bubble with a node that authenticates by g.
func guarded(t *testing.T, cfg Config, g *gateway, test func(n *Node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := New(cfg, g, TenantConfig{Name: "acme"})
		defer n.Close()
		test(n)
	})
}

// someone is an identity that may hear everything.
func someone(user string) *protocol.Identity {
	return &protocol.Identity{User: user, Topics: []protocol.Pattern{"*"}}
}
