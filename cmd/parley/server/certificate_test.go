package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/logline"
)

// page is a log that is read while it is written.
type page struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *page) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// F13: from 14 days before its end on a certificate is warned about once a day, and is an error behind it; a new one
// ends that.
func TestCertificate_IsWarnedAboutDailyFromTwoWeeksBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text page
		log, err := logline.New(&text, "text", "info")
		if err != nil {
			t.Fatal(err)
		}
		const day = 24 * time.Hour
		begun := time.Now()
		valid := func(days int) pair {
			return pair{Validity: config.Validity{From: begun, Until: time.Now().Add(time.Duration(days)*day + day/2)}}
		}
		c := certificate{shown: map[string]pair{"": valid(30), "push.example.org": valid(90)}}
		ctx, cancel := context.WithCancel(t.Context())
		go c.watch(ctx, log)
		count := func(level string) int { return strings.Count(text.String(), "level="+level) }
		for _, step := range []struct{ after, warnings, errors int }{{16, 0, 0}, {17, 1, 0}, {30, 14, 0}, {31, 14, 1},
			{33, 14, 3}} {
			time.Sleep(time.Until(begun.Add(time.Duration(step.after)*day + time.Hour)))
			synctest.Wait()
			if count("WARN") != step.warnings || count("ERROR") != step.errors {
				t.Errorf("after %d days: %d warnings and %d errors, want %d and %d", step.after, count("WARN"),
					count("ERROR"), step.warnings, step.errors)
			}
		}
		c.mu.Lock()
		c.shown[""] = valid(365)
		c.mu.Unlock()
		time.Sleep(10 * day)
		synctest.Wait()
		if count("WARN") != 14 || count("ERROR") != 3 || strings.Contains(text.String(), "push.example.org") {
			t.Errorf("a new certificate is complained about:\n%s", text.String())
		}
		cancel()
	})
}

// F13: when the certificate expires is a metric, which a reload brings up to date.
func TestServer_WhenItsCertificateExpiresIsAMetric(t *testing.T) {
	waitsInRealTime(t)
	cfg, dir := devConfig(t), t.TempDir()
	cfg.InternalListen = "127.0.0.1:0"
	cfg.TLS = config.TLS{Certificate: filepath.Join(dir, "tls.pem"), Key: filepath.Join(dir, "tls.key")}
	told := func(s *Server) string {
		request, err := http.NewRequest(http.MethodGet, "http://"+s.Internal()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, body := do(t, request)
		_, after, _ := strings.Cut(body, "\nparley_tls_certificate_expiry_seconds ")
		value, _, _ := strings.Cut(after, "\n")
		return value
	}
	selfSigned(t, cfg.TLS.Certificate, cfg.TLS.Key)
	s := run(t, cfg)
	for range 2 {
		pair, err := tls.LoadX509KeyPair(cfg.TLS.Certificate, cfg.TLS.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := told(s), strconv.FormatFloat(float64(pair.Leaf.NotAfter.Unix()), 'g', -1, 64); got != want {
			t.Errorf("the metric is %s, want %s", got, want)
		}
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // the next one expires a second later
		selfSigned(t, cfg.TLS.Certificate, cfg.TLS.Key)
		if err := s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
	}
	if plain := run(t, devConfig(t)); told(plain) != "" {
		t.Error("a server without a certificate tells when it expires")
	}
}

// Clients resume their sessions; the keys of tickets change by themselves, and none is of use for longer than a week.
func TestCertificate_ClientsResumeSessionsAndTheKeysOfTicketsChange(t *testing.T) {
	var cfg config.Config
	dir := t.TempDir()
	cfg.TLS = config.TLS{Certificate: filepath.Join(dir, "tls.pem"), Key: filepath.Join(dir, "tls.key")}
	selfSigned(t, cfg.TLS.Certificate, cfg.TLS.Key)
	var c certificate
	conf, err := c.tlsConfig(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	now := time.Now()
	conf.Time = func() time.Time { return now }
	tickets := &lastTicket{}
	client := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tickets,
		Time: func() time.Time { return time.Now() }} // for the client a ticket is always fresh
	resumes := func(conf *tls.Config) bool {
		t.Helper()
		near, err := net.Dial("tcp", l.Addr().String()) // a pipe has no room for the ticket
		if err != nil {
			t.Fatal(err)
		}
		defer near.Close()
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		server, end := tls.Server(far, conf), make(chan error, 1)
		go func() {
			_, err := server.Write([]byte("x"))
			end <- err
		}()
		conn := tls.Client(near, client)
		if _, err := conn.Read(make([]byte, 1)); err != nil { // the ticket comes before
			t.Fatal(err)
		}
		if err := <-end; err != nil {
			t.Fatal(err)
		}
		return conn.ConnectionState().DidResume
	}
	const day = 24 * time.Hour
	if resumes(conf) || !resumes(conf) {
		t.Error("the second connection does not resume the session of the first")
	}
	now = now.Add(2 * day)
	tickets.keep = true
	if !resumes(conf) {
		t.Error("a ticket of two days ago is refused")
	}
	now = now.Add(6 * day)
	if resumes(conf) {
		t.Error("a ticket of eight days ago is taken: its key is still there")
	}
}

// lastTicket is a client's cache of one session. If it is to keep it, a newer one does not replace it.
type lastTicket struct {
	state *tls.ClientSessionState
	keep  bool
}

func (c *lastTicket) Get(string) (*tls.ClientSessionState, bool) { return c.state, c.state != nil }

func (c *lastTicket) Put(_ string, state *tls.ClientSessionState) {
	if state != nil && !c.keep {
		c.state = state
	}
}
