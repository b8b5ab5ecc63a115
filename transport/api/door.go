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

// errMethod is the one refusal that protocol.Reason has no word for: a path that exists, with a method that it has not.
var errMethod = errors.New("this path does not take that method")

// ServeHTTP takes a request through the door: who is it, may it now, do it, answer, write it down.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	x := enter(w, r)
	found, err := d.choose(x)
	if err == nil && found != nil {
		err = d.api.attend(found, x)
	}
	if err != nil {
		d.api.fail(x, err, d.allow)
	}
	x.send()
	d.api.record(found, x, time.Since(started))
	x.leave()
}

// choose finds the route; none and no error is a request for OPTIONS, which is answered.
func (d *door) choose(x *exchange) (*route, error) {
	if d.unknown {
		return nil, protocol.Refuse(protocol.NotFound, "no such path; /openapi.json on the internal address lists all")
	}
	d.share(x)
	if x.r.Method == http.MethodOptions && !d.routes[0].any {
		x.header("Allow", d.allow)
		x.status = http.StatusNoContent
		return nil, nil
	}
	if found := d.find(x.r.Method); found != nil {
		return found, nil
	}
	return nil, errMethod
}

// attend does what was asked for. A panic in it is an error, said once in the log; the exchange's buffers may be in
// use somewhere, so they are not used again.
func (a *API) attend(r *route, x *exchange) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause == http.ErrAbortHandler { // what was being written or forwarded broke off
				panic(cause)
			}
			a.cfg.Logger.Error("panic in the API", "route", r.pattern(),
				"cause", protocol.Quote(fmt.Sprint(cause)), "stack", string(debug.Stack()))
			x.spoil()
			err = errPanic
		}
	}()
	x.own = r.who.own()
	if err := a.identify(r.who, x); err != nil {
		return err
	}
	ctx, cancel := a.bounded(x.r.Context())
	defer cancel()
	return r.do(a, ctx, x)
}

// errPanic stands for a panic that is in the log already.
var errPanic = errors.New("panic")

// fail replaces the answer by an error.
func (a *API) fail(x *exchange, err error, allow string) {
	x.request = protocol.NewRequestID()
	x.header("X-Request-Id", x.request)
	if err == errMethod {
		x.header("Allow", allow)
		x.status = http.StatusMethodNotAllowed
		x.out = appendError(x.out[:0], "method_not_allowed", "this path takes "+allow, x.request)
		return
	}
	if err == errUpstream {
		x.status = http.StatusBadGateway
		x.out = appendError(x.out[:0], "upstream_failed", err.Error(), x.request)
		return
	}
	why := a.refusal(err)
	x.why = why.Reason
	x.status = why.Reason.Status()
	switch x.status {
	case http.StatusUnauthorized:
		x.header("Www-Authenticate", challenge(why.Reason))
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		x.header("Retry-After", retryAfter(why))
	}
	x.out = appendError(x.out[:0], string(why.Reason), why.Error(), x.request)
	if x.own {
		x.out = appendDetail(x.out, why)
	}
}

// refusal is what the client may see of an error. What it may not see is logged.
func (a *API) refusal(err error) *protocol.Refusal {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return protocol.Refuse(protocol.Busy, "no answer within %s; it may have been done, so retry with the same event id", a.cfg.RequestTimeout)
	case errors.Is(err, context.Canceled):
		return protocol.Refuse(protocol.Busy, "the request was given up")
	}
	why := protocol.AsRefusal(err)
	if why.Reason == protocol.Internal {
		if err != errPanic {
			a.cfg.Logger.Error("an API call failed", "error", err.Error())
		}
		return &protocol.Refusal{Reason: protocol.Internal}
	}
	return why
}

// record writes a request down: in the metrics, and in the log if somebody reads it.
func (a *API) record(r *route, x *exchange, took time.Duration) {
	pattern, method := "none", "OTHER"
	if r != nil {
		pattern, method = r.path, x.r.Method
		r.took().Observe(took.Seconds())
	}
	if x.why != "" {
		a.meter.refused(x.why)
	}
	if !a.cfg.Logger.Enabled(x.r.Context(), slog.LevelDebug) {
		return
	}
	attributes := []slog.Attr{slog.String("method", method), slog.String("route", pattern), slog.Int("status", x.status),
		slog.Duration("took", took), slog.String("tenant", x.tenant)}
	if x.request != "" {
		attributes = append(attributes, slog.String("request", x.request))
	}
	a.cfg.Logger.LogAttrs(x.r.Context(), slog.LevelDebug, "request", attributes...)
}
