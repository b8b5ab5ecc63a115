package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/parley-realtime/parley/cmd/parley/config"
)

// certificate is that of the public address: a pair of files that can be read again while it runs, or certificates from
// an ACME authority, which renew themselves.
type certificate struct {
	files atomic.Pointer[tls.Certificate] // nil with ACME

	mu    sync.Mutex      // guards shown
	shown map[string]pair // by name; "" is that of the files
}

// pair is a certificate that clients get.
type pair struct {
	config.Validity
	leaf *x509.Certificate
}

// load reads the pair of files; a pair that cannot be used changes nothing.
func (c *certificate) load(from config.TLS) error {
	if from.Certificate == "" {
		return nil
	}
	read, err := tls.LoadX509KeyPair(from.Certificate, from.Key)
	if err != nil {
		return fmt.Errorf("tls.certificate: %w", err)
	}
	c.files.Store(&read)
	c.remember("", &read)
	return nil
}

func (c *certificate) show(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.files.Load(), nil
}

// remember stores which certificate clients get under a name, which is one of the configuration's.
func (c *certificate) remember(name string, shown *tls.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shown[name].leaf == shown.Leaf {
		return
	}
	if v, err := config.ValidityOf(shown); err == nil { // if not, no client can read it either
		c.shown[name] = pair{v, shown.Leaf}
	}
}

// expiry is when the first of the certificates expires; zero if none is known.
func (c *certificate) expiry() (first time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.shown {
		if first.IsZero() || v.Until.Before(first) {
			first = v.Until
		}
	}
	return first
}

// daily is the time between two checks of certificates.
const daily = 24 * time.Hour

// watch logs once a day which certificates clients refuse, or will refuse soon, until ctx ends. For those in files the
// start and each reload have done so.
func (c *certificate) watch(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(daily)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.logExpiry(time.Now(), log)
		case <-ctx.Done():
			return
		}
	}
}

func (c *certificate) logExpiry(now time.Time, log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, v := range c.shown {
		if text := v.Refused(now); text != "" {
			log.Error("the TLS certificate "+text, "name", name, "expires", v.Until)
		} else if text := v.EndsSoon(now); text != "" {
			log.Warn("the TLS certificate "+text, "name", name, "expires", v.Until)
		}
	}
}

// tlsConfig is that of the public address; nil is plain HTTP. HTTP/2 is left out: WebSocket here is HTTP/1.1.
func (c *certificate) tlsConfig(cfg *config.Config) (*tls.Config, error) {
	c.shown = map[string]pair{}
	switch t := cfg.TLS; {
	case t.Certificate != "":
		if err := c.load(t); err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.show}, nil
	case len(t.ACME.Domains) > 0:
		return c.acmeConfig(cfg), nil
	}
	return nil, nil
}

func (c *certificate) acmeConfig(cfg *config.Config) *tls.Config {
	a := cfg.TLS.ACME
	cache := a.Cache
	if cache == "" {
		cache = filepath.Join(cfg.Data, "acme")
	}
	manager := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist(a.Domains...),
		Cache:      autocert.DirCache(cache),
		Email:      a.Email,
	}
	if a.Directory != "" {
		manager.Client = &acme.Client{DirectoryURL: a.Directory}
	}
	conf := manager.TLSConfig()
	conf.MinVersion = tls.VersionTLS12
	conf.NextProtos = []string{"http/1.1", acme.ALPNProto}
	conf.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		got, err := manager.GetCertificate(hello)
		// that protocol is for the authority alone
		if err == nil && !slices.Contains(hello.SupportedProtos, acme.ALPNProto) {
			c.remember(strings.TrimSuffix(strings.ToLower(hello.ServerName), "."), got)
		}
		return got, err
	}
	return conf
}
