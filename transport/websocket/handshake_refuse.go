package websocket

import (
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// refuse answers a handshake with the status of its refusal.
func (v *visit) refuse(w http.ResponseWriter, why *protocol.Refusal) {
	if why.RetryAfter > 0 {
		seconds := math.Ceil(why.RetryAfter.Seconds())
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	v.respond(w, why.Reason.Status(), why.Reason, why.Error())
}

// refuseCredential hides why a credential does not hold: forgers learn nothing, and documents want HTTP 403 for all of it. That we
// cannot tell right now is no verdict on the credential, and the client may come back; and its size says nothing of what is in
// it.
func (v *visit) refuseCredential(w http.ResponseWriter, err error) {
	switch why := protocol.AsRefusal(err); why.Reason {
	case protocol.Busy, protocol.Draining, protocol.RateLimited, protocol.Internal:
		retry := max(why.RetryAfter, time.Second)
		v.refuse(w, &protocol.Refusal{Reason: why.Reason, RetryAfter: retry})
	case protocol.TooLarge:
		v.refuse(w, why)
	default:
		v.respond(w, http.StatusForbidden, protocol.Forbidden, protocol.Forbidden.Message())
	}
}

// refuseHandshake answers what is no handshake.
func (v *visit) refuseHandshake(w http.ResponseWriter, bad *badHandshake) {
	switch bad.status {
	case http.StatusUpgradeRequired:
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Sec-WebSocket-Version", "13")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodGet)
	}
	v.respond(w, bad.status, protocol.Malformed, bad.message)
}

func (v *visit) respond(w http.ResponseWriter, status int, code protocol.Reason, message string) {
	v.refused, v.why = status, code
	body := append([]byte(`{"error":{"code":`), rawjson.AppendText(nil, string(code))...)
	body = append(body, `,"message":`...)
	body = rawjson.AppendText(body, message)
	body = append(body, `,"request_id":`...)
	body = rawjson.AppendText(body, v.request)
	body = append(body, "}}\n"...)
	h := w.Header()
	h.Set("X-Request-Id", v.request)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// recordRefusal writes a refused handshake down, for those who read debug lines: any client can cause one at any rate.
func (s *Server) recordRefusal(r *http.Request, v *visit) {
	if v.refused == 0 || !s.records {
		return
	}
	s.config.Logger.LogAttrs(r.Context(), slog.LevelDebug, "a handshake was refused", slog.String("request", v.request),
		slog.Int("status", v.refused), slog.String("reason", string(v.why)), slog.String("remote", v.caller.address),
		slog.String("path", protocol.Quote(r.URL.Path)))
}
