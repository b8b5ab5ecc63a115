package websocket

import (
	"cmp"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// refuse answers a handshake with the status of the refusal. It returns false, for admit.
func (q *upgradeRequest) refuse(err *protocol.Refusal) bool {
	q.retry = err.RetryAfter
	if err.RetryAfter > 0 {
		seconds := math.Ceil(err.RetryAfter.Seconds())
		q.w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	q.cause = cmp.Or(q.cause, err)
	q.respond(err.Reason.Status(), err.Reason, err.Error())
	return false
}

// refuseCredential answers HTTP 403 and hides why a credential does not hold: forgers learn nothing, and the protocols'
// documents want this status for all of it. Two cases are told apart. If the server cannot tell right now, that is no
// verdict on the credential, and the client may come back. And a credential's size says nothing of what is in it. It
// returns false, for admit.
func (q *upgradeRequest) refuseCredential(err error) bool {
	q.cause = protocol.AsRefusal(err)
	switch refusal := q.cause; refusal.Reason {
	case protocol.Unauthorized, protocol.InvalidToken, protocol.TokenExpired, protocol.Revoked:
		if q.stream != nil { // no document of a protocol wants anything else than what HTTP says
			return q.refuse(&protocol.Refusal{Reason: refusal.Reason})
		}
	case protocol.Busy, protocol.Draining, protocol.RateLimited, protocol.Internal:
		retry := max(refusal.RetryAfter, time.Second)
		return q.refuse(&protocol.Refusal{Reason: refusal.Reason, RetryAfter: retry})
	case protocol.TooLarge:
		return q.refuse(refusal)
	}
	q.respond(http.StatusForbidden, protocol.Forbidden, protocol.Forbidden.Message())
	return false
}

// refuseHandshake answers a request that is no handshake.
func (q *upgradeRequest) refuseHandshake(bad *handshakeError) {
	switch h := q.w.Header(); bad.status {
	case http.StatusUpgradeRequired:
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade")
		h.Set("Sec-WebSocket-Version", "13")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodGet)
	}
	q.cause = &protocol.Refusal{Reason: protocol.Malformed, Detail: bad.message, Rule: "RFC 6455"}
	q.respond(bad.status, protocol.Malformed, bad.message)
}

func (q *upgradeRequest) respond(status int, code protocol.Reason, message string) {
	q.status, q.reason, q.message = status, code, message
	body := append([]byte(`{"error":{"code":`), rawjson.AppendText(nil, string(code))...)
	body = append(body, `,"message":`...)
	body = rawjson.AppendText(body, message)
	body = append(body, `,"request_id":`...)
	body = rawjson.AppendText(body, q.id)
	body = append(body, "}}\n"...)
	h := q.w.Header()
	h.Set("X-Request-Id", q.id)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	q.w.WriteHeader(status)
	_, _ = q.w.Write(body)
}

// record keeps a handshake that was refused, or a socket that the node refused behind it. The path has no part in it: a
// token may be in there.
func (q *upgradeRequest) record() {
	if q.cause == nil || q.server.recorder == nil {
		return
	}
	e := recorder.Entry{Tenant: q.tenant, RequestID: q.id, Remote: q.source.address, Origin: q.r.Header.Get("Origin"),
		Closed: time.Now(), Status: q.status}
	if strings.HasPrefix(e.Tenant, "\x00") { // of the engine's own
		e.Tenant = ""
	}
	if q.route != nil {
		e.Dialect = q.route.dialect.Name()
	}
	if q.identity != nil {
		e.User = q.identity.User
	}
	e.Close = recorder.Close{Reason: q.cause.Reason, Detail: q.cause.Detail, Rule: q.cause.Rule}
	if q.status == 0 {
		e.Code = q.cause.Reason.CloseCode()
	}
	q.server.recorder.Refused(e)
}

// logRefusal writes a line at debug level about a handshake that was refused. Any client can cause one, at any rate.
func (q *upgradeRequest) logRefusal() {
	s := q.server
	if q.status == 0 || !s.logged {
		return
	}
	s.config.Logger.LogAttrs(q.r.Context(), slog.LevelDebug, "a handshake was refused", slog.String("request", q.id),
		slog.Int("status", q.status), slog.String("reason", string(q.reason)), slog.String("remote", q.source.address),
		slog.String("path", protocol.Quote(q.r.URL.Path)))
}
