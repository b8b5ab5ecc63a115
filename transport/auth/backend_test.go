package auth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

var _ actors.Authorizer = (*auth.Verifier)(nil)

const (
	outpostA = "0f5d2c1a-0000-4000-8000-00000000000a"
	outpostB = "0f5d2c1a-0000-4000-8000-00000000000b"
)

// meet shows any credential to a tenant.
func (b *fixture) show(tenant string, credential protocol.Credential) (*protocol.Identity, error) {
	return b.Authenticate(context.Background(), tenant, credential)
}

// admits wants an identity, turns wants a refusal of that reason and nothing more.
func (b *fixture) admits(t testing.TB, tenant string, credential protocol.Credential) *protocol.Identity {
	t.Helper()
	id, err := b.show(tenant, credential)
	if err != nil {
		t.Fatalf("refused (%v), log:\n%s", err, b.log)
	}
	return id
}

func (b *fixture) refusesCredential(t testing.TB, want protocol.Reason, tenant string, credential protocol.Credential) {
	t.Helper()
	id, err := b.show(tenant, credential)
	checkRefusal(t, id, err, want)
}

func checkTopics(t testing.TB, id *protocol.Identity, want ...protocol.Pattern) {
	t.Helper()
	if !slices.Equal(id.Topics, want) {
		t.Errorf("may hear %q, want %q", id.Topics, want)
	}
}

// backend is a tenant's backend behind a fake network: it answers from a table of questions.
type backend struct {
	mu    sync.Mutex
	knows map[string]string // answers by kind and subject
	asked []string
	down  bool
}

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var q introspection.Question
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	about := strings.Join(slices.DeleteFunc([]string{string(q.Kind), q.Tenant, q.Session, q.User, q.Topic, q.Outpost,
		q.Token},
		func(part string) bool { return part == "" }), " ")
	b.asked = append(b.asked, about)
	answer := &http.Response{StatusCode: 200, Header: http.Header{}}
	text, ok := b.knows[about]
	switch {
	case b.down:
		answer.StatusCode = 503
	case !ok:
		text = `{"allow":false}`
	}
	answer.Body = io.NopCloser(strings.NewReader(text))
	return answer, nil
}

// with returns settings that ask the backend.
func (b *backend) with(keys auth.TenantKeys) auth.TenantKeys {
	keys.Introspection = introspection.Config{
		URL: "https://backend.example/", Secret: "what-the-backend-knows-us-by", Tries: 1, Transport: b,
		Topics: []string{"datasetUpdate/*", "uploadFile/*"},
	}
	return keys
}

func (b *backend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked)
}

// isBusy wants Busy, with the time after which to try again.
func (b *fixture) isBusy(t testing.TB, credential protocol.Credential) {
	t.Helper()
	id, err := b.show("acme", credential)
	if refusal := protocol.AsRefusal(err); id != nil || refusal == nil || refusal.Reason != protocol.Busy ||
		refusal.RetryAfter == 0 ||
		refusal.Detail != "" {
		t.Errorf("%+v, %+v; want busy", id, refusal)
	}
}
