package websocket

import (
	"context"
	"net/http"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Asker is an Authenticator that can be asked what it would say. With a Record it counts and uses up nothing.
type Asker interface {
	Ask(
		ctx context.Context, tenant string, credential protocol.Credential, asked *decision.Record,
	) (*protocol.Identity, error)
}

// Admission is what a handshake that was asked about would lead to.
type Admission struct {
	Tenant  string
	Dialect protocol.Dialect
	Opened  protocol.Opened
	// Identity is nil for a client that logs in later.
	Identity *protocol.Identity
}

// Ask runs the checks of a handshake, and opens no socket. r is what the client would send. as is who the client is,
// nil for what its credential says; then the Authenticator of New must be an Asker. It blocks as ServeHTTP does for the
// credential. The refusal is what the client would hear.
func (h *Handler) Ask(
	r *http.Request, as *protocol.Identity, asked *decision.Record,
) (Admission, *protocol.Refusal) {
	q, err := h.question(r, asked)
	if err != nil {
		return Admission{}, err
	}
	if q.as = as; !q.admit() {
		return Admission{Tenant: q.tenant}, &protocol.Refusal{Reason: q.reason, Detail: q.message, RetryAfter: q.retry}
	}
	return Admission{q.tenant, q.route.dialect, q.opened, q.identity}, nil
}

// AskSession makes the session that a handshake would open, without the checks of its origin, limits and credential.
func (h *Handler) AskSession(r *http.Request, asked *decision.Record) (Admission, *protocol.Refusal) {
	q, err := h.question(r, asked)
	if err != nil {
		return Admission{}, err
	}
	err = q.open()
	return Admission{Tenant: h.server.tenant(r), Dialect: q.route.dialect, Opened: q.opened}, err
}

// question is a request that nobody sent.
func (h *Handler) question(r *http.Request, asked *decision.Record) (*upgradeRequest, *protocol.Refusal) {
	s := h.server
	q := &upgradeRequest{server: s, w: discard{}, r: r, source: s.proxies.source(r),
		proxied: s.proxies.isUntrustedProxy(r), asked: asked}
	if q.route, q.pattern = h.find(r); !asked.Text(decision.Path, r.URL.Path, q.route != nil) {
		return nil, protocol.Refuse(protocol.NotFound, "no WebSocket is served on this path")
	}
	return q, nil
}

// identify checks the credential of a request, or asks about it.
func identify(
	ctx context.Context, q *upgradeRequest, credential protocol.Credential,
) (*protocol.Identity, error) {
	if q.asked == nil {
		return q.server.auth.Authenticate(ctx, q.tenant, credential)
	}
	return q.server.auth.(Asker).Ask(ctx, q.tenant, credential, q.asked)
}

// discard takes the answer to a handshake that nobody made.
type discard struct{}

// Header implements http.ResponseWriter.
func (discard) Header() http.Header { return http.Header{} }

// Write implements http.ResponseWriter.
func (discard) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (discard) WriteHeader(int) {}
