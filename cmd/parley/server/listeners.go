package server

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
)

// listeners are the addresses of the server. They are static once they are open.
type listeners struct {
	limit    *connLimit // of the public address and of the extra ones
	public   *listener
	mux      mux       // of the public address
	internal *listener // nil if the public one serves both
	extra    []*extraListener
}

// open takes all addresses, or none. conf is the TLS of the public address, nil for plain HTTP.
func (l *listeners) open(cfg *config.Config, conf *tls.Config, log *slog.Logger) (err error) {
	if l.public, err = listen("listen", cfg.Listen, conf, l.limit, log); err != nil {
		return err
	}
	l.public.server.Handler = &l.mux
	if cfg.InternalListen != "" {
		l.internal, err = listen("internal_listen", cfg.InternalListen, nil, nil, log)
	}
	for _, at := range cfg.AllListeners() {
		if err != nil {
			break
		}
		var made *extraListener
		if made, err = listenExtra(at, conf, l.limit, log); err == nil {
			l.extra = append(l.extra, made)
		}
	}
	if err != nil {
		l.stop(context.Background())
	}
	return err
}

func (l *listeners) all() []*listener {
	all := []*listener{l.public}
	if l.internal != nil {
		all = append(all, l.internal)
	}
	for _, at := range l.extra {
		all = append(all, at.listener)
	}
	return all
}

// serve answers at all addresses until stop. While draining, each answer closes its connection.
func (l *listeners) serve(draining func() bool, log *slog.Logger) {
	for _, at := range l.all() {
		at.server.Handler = closing{at.server.Handler, draining}
		at.serve(log)
	}
}

// stop lets requests end until the context does, and waits.
func (l *listeners) stop(ctx context.Context) {
	for _, at := range l.all() {
		at.stop(ctx)
	}
	l.limit.done.Wait()
}

// lastAnswersTime is how long a drain lasts at least while clients keep HTTP connections open: an answer tells each
// client that uses its connection that it closes, so that no client has a request on the way when it does.
const lastAnswersTime = time.Second

// awaitLastAnswers waits until no client has an HTTP connection open, until a drain that began then and may take that
// long is over, or for lastAnswersTime from its beginning.
func (l *listeners) awaitLastAnswers(began time.Time, drain time.Duration) {
	for l.limit.requests.Load() > 0 && time.Since(began) < min(lastAnswersTime, drain) {
		time.Sleep(10 * time.Millisecond)
	}
}

func (l *listeners) publicAddress() string { return l.public.Addr().String() }

func (l *listeners) internalAddress() string {
	if l.internal == nil {
		return l.publicAddress()
	}
	return l.internal.Addr().String()
}

func (l *listeners) extraAddresses() (all []string) {
	for _, at := range l.extra {
		all = append(all, at.Addr().String())
	}
	return all
}

// internalURL is the URL of operators' calls, as this machine reaches it. secure says that the public address speaks
// TLS.
func (l *listeners) internalURL(secure bool) string {
	return urlOf(l.internalAddress(), l.internal == nil && secure)
}

// urlOf is the URL of an address, as this machine reaches it.
func urlOf(address string, secure bool) string {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return scheme + "://" + address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// handleInternal sets what answers at the internal address, if it is one of its own.
func (l *listeners) handleInternal(h http.Handler) {
	if l.internal != nil {
		l.internal.server.Handler = h
	}
}
