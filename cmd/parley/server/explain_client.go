package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/http"
	"net/url"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/websocket"
)

// stranger is the address of a client that nobody has heard of (RFC 5737).
const stranger = "192.0.2.1"

// connect asks about the handshake and the login of a client of the dialect.
func (q *question) connect() *protocol.Refusal {
	var topics []string
	if q.Target.Topic != "" {
		topics = []string{q.Target.Topic}
	}
	opening, err := q.client.Open(q.token(), topics)
	if err != nil {
		q.asked.Step(decision.Handshake, false)
		return protocol.Refuse(protocol.Malformed, "%s", err)
	}
	at, r := q.socketsOf(q.request(opening))
	tenant := q.hosts.tenant(r)
	as := q.as(tenant)
	if tenant != q.tenant && tenant != auth.UnresolvedTenant || q.User != "" && as == nil {
		q.asked.Text(decision.Host, r.Host, false)
		return protocol.Refuse(protocol.NotFound, "the host is not the tenant's")
	}
	admitted, refusal := at.Ask(r, as, q.asked)
	if refusal != nil {
		return refusal
	}
	if admitted.Identity != nil {
		return q.node.AskLogin(q.ctx, admitted.Tenant, admitted.Dialect, admitted.Identity, q.asked)
	}
	re := &rehearsal{question: q, tenant: admitted.Tenant, dialect: admitted.Dialect, session: admitted.Opened.Session}
	re.login()
	if re.refusal == nil && !q.asked.Step(decision.Login, re.identity != nil) {
		return protocol.Refuse(protocol.Unauthorized, "the connection opens, and then waits for a token")
	}
	return re.refusal
}

// request is the handshake that a client sends.
func (q *question) request(opening protocol.Opening) *http.Request {
	host := "localhost"
	if own := q.provenance.Load().HostsOf(q.tenant); len(own) > 0 {
		host = own[0]
	}
	r := &http.Request{Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL:  &url.URL{Path: opening.Path, RawQuery: opening.Query.Encode()},
		Host: cmp.Or(q.Host, host), RemoteAddr: q.address(), Header: http.Header{}}
	for name, value := range opening.Header {
		r.Header.Set(name, value)
	}
	if q.Origin != "" {
		r.Header.Set("Origin", q.Origin)
	}
	return r.WithContext(q.ctx)
}

// socketsOf are the sockets that a request would reach: those of the public address or, if the dialect is not spoken
// there, of the first listener where it is. The request then is as that listener gets it.
func (q *question) socketsOf(r *http.Request) (*websocket.Handler, *http.Request) {
	if q.secure {
		r.TLS = &tls.ConnectionState{}
	}
	public := q.listeners.mux.routes.Load().socketsOf(r)
	if public.Serves(r.URL.Path) {
		return public, r
	}
	for _, at := range q.listeners.extra {
		if sockets := at.mux.routes.Load().socketsOf(r); sockets.Serves(r.URL.Path) {
			if !at.secure {
				r.TLS = nil
			}
			if at.tenant != "" {
				r = r.WithContext(context.WithValue(r.Context(), listenerTenant{}, at.tenant))
			}
			return sockets, r
		}
	}
	return public, r
}

// subscribe asks about a subscription of a client that is connected: its credential, whether the dialect can ask for
// the topic, and the right to it.
func (q *question) subscribe() *protocol.Refusal {
	if q.Connection != "" {
		topics := []string{q.Target.Topic}
		if frames, err := q.client.Subscribe("", topics); err != nil || frames == nil && !q.client.Hears(topics[0]) {
			q.asked.Text(decision.DialectTopics, q.dialect.Name(), false)
			return protocol.Refuse(protocol.Forbidden, "clients of %s cannot ask for this topic", q.dialect.Name())
		}
		return q.node.AskSubscribe(q.ctx, q.tenant,
			actors.SubscribeQuestion{Connection: q.Connection, Topic: q.Target.Topic}, q.asked)
	}
	opening, err := q.client.Open(q.token(), []string{q.Target.Topic})
	if err != nil {
		q.asked.Step(decision.DialectTopics, false)
		return protocol.Refuse(protocol.Malformed, "%s", err)
	}
	at, r := q.socketsOf(q.request(opening))
	asked, refusal := at.AskSession(r, q.asked)
	if refusal != nil {
		return refusal
	}
	re := &rehearsal{question: q, tenant: q.tenant, dialect: asked.Dialect, session: asked.Opened.Session,
		connected: true}
	if asked.Opened.Credential != nil {
		if re.identity, refusal = re.identify(*asked.Opened.Credential); refusal != nil {
			return refusal
		}
	}
	return re.subscribe()
}
