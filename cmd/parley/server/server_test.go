package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

// waitsInRealTime marks a test that takes a second or more: make quick leaves it out (go test -short).
func waitsInRealTime(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits in real time")
	}
}

// devConfig is dev mode's configuration on a free port, with what further variables say.
func devConfig(t *testing.T, environ ...string) config.Config {
	t.Helper()
	environ = append(environ, "PARLEY_LISTEN=127.0.0.1:0", "PARLEY_FEED=false")
	loaded := config.Load(config.Sources{Protocols: everyProtocol, Dev: true, Environ: environ})
	if len(loaded.Problems) > 0 {
		t.Fatal(loaded.Problems)
	}
	return loaded.Config
}

func run(t *testing.T, cfg config.Config) *Server {
	t.Helper()
	s, err := New(cfg, Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Run()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	return s
}

// everyProtocol are all that Parley speaks, those for tests included.
var everyProtocol = slices.Concat(protocols.All, protocols.Debug)

// selfSigned writes a new certificate and its key, and returns its serial number.
func selfSigned(t *testing.T, certificate, key string) *big.Int {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: serial, DNSNames: []string{"localhost"},
		NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der},
		key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return serial
}

// shown is the certificate that a server shows to somebody new.
func shown(t *testing.T, s *Server) *big.Int {
	t.Helper()
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp",
		s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber
}

// R000.2, R001.56: wss, with certificates that are read again without dropping a connection.
func TestServer_ReloadReplacesTheCertificateAndKeepsConnections(t *testing.T) {
	dir := t.TempDir()
	cfg := devConfig(t)
	cfg.TLS.Certificate, cfg.TLS.Key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := selfSigned(t, cfg.TLS.Certificate, cfg.TLS.Key)
	s := run(t, cfg)
	if got := shown(t, s); got.Cmp(first) != 0 {
		t.Errorf("shows %v, want %v", got, first)
	}
	held := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer held.CloseIdleConnections()
	get := func() *big.Int {
		response, err := held.Get("https://" + s.Address() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("status %d", response.StatusCode)
		}
		return response.TLS.PeerCertificates[0].SerialNumber
	}
	get()
	second := selfSigned(t, cfg.TLS.Certificate, cfg.TLS.Key)
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, s); got.Cmp(second) != 0 {
		t.Errorf("after the reload it shows %v, want %v", got, second)
	}
	if err := os.WriteFile(cfg.TLS.Key, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(cfg); err == nil {
		t.Error("a broken certificate was taken")
	}
	if got := shown(t, s); got.Cmp(second) != 0 {
		t.Errorf("after the broken one it shows %v, want %v", got, second)
	}
}

func TestServer_ACMEAsksForItsDomainsAlone(t *testing.T) {
	cfg := devConfig(t)
	cfg.Data = t.TempDir()
	cfg.TLS.ACME.Domains = []string{"push.example.org"}
	var c certificate
	conf, err := c.tlsConfig(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(conf.NextProtos, acme.ALPNProto) || slices.Contains(conf.NextProtos, "h2") ||
		conf.MinVersion < tls.VersionTLS12 {
		t.Errorf("protocols %v, least version %x", conf.NextProtos, conf.MinVersion)
	}
	if _, err := conf.GetCertificate(&tls.ClientHelloInfo{ServerName: "other.example.org"}); err == nil {
		t.Error("it gets certificates for names that are not its own")
	}
}

// F36: nor does it go by the dot at the end of a full name, or the spelling of an address.
func TestHosts_TenantGoesByHostWithoutPort(t *testing.T) {
	var h hosts
	h.store([]config.Tenant{{Name: "a", Hosts: []string{"a.example", "::1"}},
		{Name: "b", Hosts: []string{"B.example", "full.example."}}})
	for host, want := range map[string]string{"a.example": "a", "A.EXAMPLE:8000": "a", "[::1]:80": "a",
		"b.example": "b", "c.example": "", "": "", "a.example.evil": "",
		"a.example.": "a", "A.example.:8000": "a", "[::1]": "a", "[0:0::1]:80": "a", "full.example": "b",
		"full.example.": "b", "a.example..": ""} {
		if got := h.tenant(&http.Request{Host: host}); got != want {
			t.Errorf("%q is %q's, want %q", host, got, want)
		}
	}
	h.store([]config.Tenant{{Name: "only"}})
	if got := h.tenant(&http.Request{Host: "anything"}); got != "only" {
		t.Errorf("a single tenant without hosts: %q", got)
	}
}

func TestServer_ReloadNamesWhatNeedsARestart(t *testing.T) {
	a := devConfig(t)
	b := devConfig(t, "PARLEY_DASHBOARD_WEBSOCKET_HEARTBEAT_SECONDS=7", "PARLEY_AIRLAY_ADDRESS=::1",
		"PARLEY_AIRLAY_PORT=1")
	b.Listen, b.Engine.Topics, b.API.Rate = "127.0.0.1:1", 5, 9
	want := []string{"listen", "engine.topics", "webSocketEvents.address", "webSocketEvents.port"}
	if got := config.Changed(&a, &b, reloadable); !slices.Equal(got, want) {
		t.Errorf("named %v", got)
	}
}

func TestServer_EndsWithoutEverHavingRun(t *testing.T) {
	s, err := New(devConfig(t), Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Close(t.Context())
}
