package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/websocket"
)

// Bounds of every HTTP connection. Sockets that were upgraded have their own.
const (
	readHeaderTimeout = 9 * time.Second // also bounds the TLS handshake; a slow client is gone within 10 s
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// listener is one address and the HTTP server behind it.
type listener struct {
	net.Listener
	server *http.Server
	done   sync.WaitGroup
}

// extraListener is one of the further listeners, for some dialects and perhaps one tenant.
type extraListener struct {
	*listener
	dialects []string // none are all
	tenant   string   // "" goes by the host
	secure   bool     // it speaks TLS
	mux      mux
}

// listenExtra takes the address of a further listener. conf is the TLS of the public address.
func listenExtra(at config.Listener, conf *tls.Config, c *connLimit, log *slog.Logger) (*extraListener, error) {
	if !at.TLS {
		conf = nil
	}
	l, err := listen("listener", at.Address, conf, c, log)
	if err != nil {
		return nil, err
	}
	p := &extraListener{listener: l, dialects: at.Dialects, tenant: at.Tenant, secure: conf != nil}
	l.server.Handler = &p.mux
	if at.Tenant != "" {
		l.server.BaseContext = func(net.Listener) context.Context {
			return context.WithValue(context.Background(), listenerTenant{}, at.Tenant)
		}
	}
	return p, nil
}

// listenerTenant is the key under which a request's context has the tenant of its listener.
type listenerTenant struct{}

// listen takes an address; nothing is answered before serve. conf is nil for plain HTTP, limit for an address that is
// not for strangers.
func listen(key, address string, conf *tls.Config, c *connLimit, log *slog.Logger) (*listener, error) {
	l, err := (&net.ListenConfig{KeepAlive: 30 * time.Second}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %s", key, address, bindCause(err))
	}
	server := &http.Server{
		ReadHeaderTimeout: readHeaderTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // strangers cause these lines
		Protocols:         new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	if c != nil {
		l = c.limit(l, server, conf != nil)
	}
	if conf != nil {
		l = websocket.NewTLSListener(l, conf)
	}
	return &listener{Listener: l, server: server}, nil
}

// bindCause says in a few words why an address cannot be had.
func bindCause(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "the port is in use; stop who has it or choose another"
	case errors.Is(err, syscall.EACCES):
		return "not allowed to listen there (ports below 1024 need a privilege)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address"
	}
	return err.Error()
}

// serve answers until stop.
func (l *listener) serve(log *slog.Logger) {
	l.done.Go(func() {
		if err := l.server.Serve(l.Listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("listener ended", "address", l.Addr().String(), "error", err)
		}
	})
}

// stop takes nothing new, lets requests end until the context does, and waits.
func (l *listener) stop(ctx context.Context) {
	if l.server.Shutdown(ctx) != nil {
		l.server.Close()
	}
	l.Listener.Close() // in case it never served
	l.done.Wait()
	if own, ok := l.Listener.(interface{ Wait(context.Context) }); ok { // it answers some requests itself
		own.Wait(ctx)
	}
}
