package loadgen

import (
	"compress/flate"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lxzan/gws"
)

// serveTLS starts a server that speaks TLS and compresses what is longer than 100 bytes.
func serveTLS(t *testing.T) (*server, Plan) {
	t.Helper()
	s := &server{onMessage: welcome, pongs: make(chan string, 10)}
	upgrader := gws.NewUpgrader(s, &gws.ServerOption{
		PermessageDeflate: gws.PermessageDeflate{Enabled: true, Threshold: 100}})
	h := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := upgrader.Upgrade(w, r); err == nil {
			go conn.ReadLoop()
		}
	}))
	t.Cleanup(h.Close)
	p := plan(h.Listener.Addr().String())
	p.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com",
		ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	p.TLS.RootCAs.AddCert(h.Certificate())
	return s, p
}

func TestGenerator_SpeaksTLSAndInflates(t *testing.T) {
	s, p := serveTLS(t)
	p.Deflate = true
	clients := connect(t, p, 50)
	large := strings.Repeat("x", 300_000) // many records
	s.broadcast(gws.OpcodeText, event(1))
	s.broadcast(gws.OpcodeText, event(2)+large)
	s.broadcast(gws.OpcodeText, event(3)+large)
	f := wait(t, clients, 150)
	if f.Messages != 150 || f.Gaps != 0 || f.Compressed != 100 || f.Closed != 0 {
		t.Errorf("got %+v", f)
	}
	if f.Resumed == 0 || f.Resumed >= 50 {
		t.Errorf("%d of 50 clients resumed a session", f.Resumed)
	}
	clients.Reset()
	if f := clients.Stats(); f.Compressed != 0 || f.Resumed == 0 {
		t.Errorf("after Reset %+v", f)
	}
}

func TestConnect_SaysWhyTLSFails(t *testing.T) {
	_, p := serveTLS(t)
	p.TLS.RootCAs = x509.NewCertPool()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Connect(1, 40); err == nil || !strings.Contains(err.Error(), ": TLS: tls: failed to verify") {
		t.Errorf("got %v", err)
	}
}

func TestConnect_CompressionThatIsDeclinedIsAnError(t *testing.T) {
	_, address := serve(t, welcome)
	p := plan(address)
	p.Deflate = true
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Connect(1, 1); err == nil || !strings.Contains(err.Error(), "declines permessage-deflate") {
		t.Errorf("got %v", err)
	}
}

func TestInflate_TakesWhatSendersSendAndRefusesTheRest(t *testing.T) {
	var f inflater
	for i := range 20 { // more than it remembers
		want := strings.Repeat("reading ", 1+i%11)
		var out strings.Builder
		w, _ := flate.NewWriter(&out, flate.BestSpeed)
		_, _ = w.Write([]byte(want))
		_ = w.Flush()
		packed := strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
		for range 2 {
			if got, err := f.inflate([]byte(packed)); err != nil || string(got) != want {
				t.Fatalf("got %q, %v", got, err)
			}
		}
	}
	if got, err := f.inflate([]byte{0xff, 0xff}); err == nil {
		t.Errorf("got %q", got)
	}
}
