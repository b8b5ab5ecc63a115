package server

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/parley-realtime/parley/cmd/parley/config"
)

// certificate is what the public address shows: a pair of files that can be read again while it runs, or certificates
// from an ACME authority, which renew themselves.
type certificate struct {
	files atomic.Pointer[tls.Certificate] // nil with ACME
}

// load reads the pair of files; a pair that cannot be used changes nothing.
func (c *certificate) load(from config.TLS) error {
	if from.Certificate == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(from.Certificate, from.Key)
	if err != nil {
		return fmt.Errorf("tls.certificate: %w", err)
	}
	c.files.Store(&pair)
	return nil
}

func (c *certificate) show(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.files.Load(), nil
}

// tlsConfig is what the public address speaks; nil is plain HTTP. HTTP/2 is left out: WebSocket here is HTTP/1.1.
func (c *certificate) tlsConfig(cfg *config.Config) (*tls.Config, error) {
	switch t := cfg.TLS; {
	case t.Certificate != "":
		if err := c.load(t); err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.show}, nil
	case len(t.ACME.Domains) > 0:
		return acmeConfig(cfg), nil
	}
	return nil, nil
}

func acmeConfig(cfg *config.Config) *tls.Config {
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
	return conf
}
