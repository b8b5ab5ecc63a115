package publisher

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPublisher_SpeaksTLS(t *testing.T) {
	h := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) != 1900 {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer h.Close()
	for _, fresh := range []bool{false, true} {
		p := plan(t, h.Listener.Addr().String(), `{path: /, body: '${pad}'}`, 20)
		p.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"}
		p.TLS.RootCAs.AddCert(h.Certificate())
		p.Pad, p.Readings, p.Fresh = 1900, true, fresh
		if n, err := run(t, p); n != 20 || err != nil {
			t.Errorf("fresh %v: %d events, %v", fresh, n, err)
		}
	}
}

func TestReadings_AreTheSameEachTimeAndFitIntoJSON(t *testing.T) {
	text := readings(1900)
	if len(text) != 1900 || text != readings(1900) || strings.ContainsAny(text, "\"\\\n") {
		t.Errorf("got %q", text)
	}
}
