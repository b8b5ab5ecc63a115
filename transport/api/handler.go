package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// errMethod is a refusal for which protocol.Reason has no word: the path exists, but does not take the method.
var errMethod = errors.New("this path does not take that method")

// ServeHTTP implements http.Handler: it selects the route, runs the call, responds and records.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	rc := newRequestContext(w, r)
	found, err := h.selectRoute(rc)
	if err == nil && found != nil {
		err = h.api.run(found, rc)
	}
	if err != nil {
		h.api.fail(rc, err, h.allow)
	}
	rc.respond()
	h.api.record(found, rc, time.Since(started))
	rc.release()
}

// selectRoute finds the route of a request. It answers OPTIONS itself, and returns no route and no error then.
func (h *handler) selectRoute(rc *requestContext) (*route, error) {
	if h.notFound {
		return nil, protocol.Refuse(protocol.NotFound, "no such path; /openapi.json on the internal address lists all")
	}
	h.allowOrigin(rc)
	if rc.r.Method == http.MethodOptions && !h.routes[0].anyMethod {
		rc.setHeader("Allow", h.allow)
		rc.status = http.StatusNoContent
		return nil, nil
	}
	if found := h.routeFor(rc.r.Method); found != nil {
		return found, nil
	}
	return nil, errMethod
}

// run authenticates the caller and makes the call. A panic becomes an error and one line in the log. The request's
// buffers may still be in use somewhere then, so they are not pooled.
func (a *API) run(r *route, rc *requestContext) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause == http.ErrAbortHandler { // a response that was being streamed or forwarded broke off
				panic(cause)
			}
			a.cfg.Logger.Error("panic in the API", "route", r.pattern(),
				"cause", protocol.Quote(fmt.Sprint(cause)), "stack", string(debug.Stack()))
			rc.discardBuffers()
			err = errPanic
		}
	}()
	rc.withDetail = r.principal.hasOwnToken()
	if err := a.authenticate(r.principal, rc); err != nil {
		return err
	}
	ctx, cancel := a.withTimeout(rc.r.Context())
	defer cancel()
	return r.call(a, ctx, rc)
}

// errPanic stands for a panic that the log has already.
var errPanic = errors.New("panic")

// fail replaces the response by an error; allow is the value of the header Allow.
func (a *API) fail(rc *requestContext, err error, allow string) {
	rc.requestID = protocol.RequestIDOf(rc.r.Header["X-Request-Id"])
	rc.setHeader("X-Request-Id", rc.requestID)
	if err == errMethod {
		rc.setHeader("Allow", allow)
		rc.status = http.StatusMethodNotAllowed
		rc.out = appendError(rc.out[:0], "method_not_allowed", "this path takes "+allow, rc.requestID)
		return
	}
	if err == errUpstream {
		rc.status = http.StatusBadGateway
		rc.out = appendError(rc.out[:0], "upstream_failed", err.Error(), rc.requestID)
		return
	}
	refusal := a.refusal(err)
	rc.reason = refusal.Reason
	rc.status = refusal.Reason.Status()
	switch rc.status {
	case http.StatusUnauthorized:
		rc.setHeader("Www-Authenticate", challenge(refusal.Reason))
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		rc.setHeader("Retry-After", retryAfter(refusal))
	}
	rc.out = appendError(rc.out[:0], string(refusal.Reason), refusal.Error(), rc.requestID)
	if rc.withDetail {
		rc.out = appendDetail(rc.out, refusal)
	}
}

// refusal turns an error into what the client may see of it, and logs what it may not see.
func (a *API) refusal(err error) *protocol.Refusal {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return protocol.Refuse(protocol.Busy,
			"no answer within %s; it may have been done, so retry with the same event id", a.cfg.RequestTimeout)
	case errors.Is(err, context.Canceled):
		return protocol.Refuse(protocol.Busy, "the request was given up")
	}
	refusal := protocol.AsRefusal(err)
	if refusal.Reason == protocol.Internal {
		if err != errPanic {
			a.cfg.Logger.Error("an API call failed", "error", err.Error())
		}
		return &protocol.Refusal{Reason: protocol.Internal}
	}
	return refusal
}

// record counts a request in the metrics, and logs it at debug level.
func (a *API) record(r *route, rc *requestContext, took time.Duration) {
	pattern, method := "none", "OTHER"
	if r != nil {
		pattern, method = r.path, rc.r.Method
		r.duration().Observe(took.Seconds())
	}
	if rc.reason != "" {
		a.counters.countRefusal(rc.reason)
	}
	if !a.cfg.Logger.Enabled(rc.r.Context(), slog.LevelDebug) {
		return
	}
	attributes := []slog.Attr{
		slog.String("method", method), slog.String("route", pattern), slog.Int("status", rc.status),
		slog.Duration("took", took), slog.String("tenant", rc.tenant),
	}
	if rc.requestID != "" {
		attributes = append(attributes, slog.String("request", rc.requestID))
	}
	a.cfg.Logger.LogAttrs(rc.r.Context(), slog.LevelDebug, "request", attributes...)
}
