package server

import (
	"context"
	"crypto/tls"
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
