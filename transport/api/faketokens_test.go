package api

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
)

// fakeTokens are the tokens of users and outposts: alice's own, and that of the outpost oneOutpost.
type fakeTokens struct {
	fail      error
	documents map[string]Documents
}

const oneOutpost = "0b5d8d2c-6f1c-4a86-9f0a-2a7d9a1b3c4d"

func (f *fakeTokens) Issue(_ context.Context, tenant, bearer string) (string, error) {
	switch {
	case f.fail != nil:
		return "", f.fail
	case tenant != "acme" || bearer != "alice":
		return "", protocol.Refuse(protocol.InvalidToken, "")
	}
	return "t1cket", nil
}

func (f *fakeTokens) Documents(tenant string) map[string]Documents {
	if tenant != "acme" {
		return nil
	}
	return f.documents
}

func (f *fakeTokens) OutpostsOf(_ context.Context, tenant, bearer string) ([]string, error) {
	switch {
	case f.fail != nil:
		return nil, f.fail
	case tenant != "acme" || bearer != "outpost":
		return nil, protocol.Refuse(protocol.Forbidden, "")
	}
	return []string{oneOutpost}, nil
}

// fakeKeys are tenants by key.
type fakeKeys map[string]string

func (k fakeKeys) Tenant(key string) (string, bool) {
	tenant, ok := k[key]
	return tenant, ok
}
