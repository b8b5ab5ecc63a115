package jwks

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// published is a real HTTPS server with a certificate that only the test trusts.
func published(t *testing.T, answer http.HandlerFunc) (url string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

// F25: whatever a source sends, it is a failure that ends in time and takes little memory.
func TestFetch_OfAHostileSourceFailsAndEnds(t *testing.T) {
	var strayed atomic.Bool
	elsewhere, _ := published(t, func(w http.ResponseWriter, _ *http.Request) {
		strayed.Store(true)
		io.WriteString(w, "{}")
	})
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		strayed.Store(true)
		io.WriteString(w, "{}")
	}))
	t.Cleanup(plain.Close)
	for says, answer := range map[string]http.HandlerFunc{
		"the status is 500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"the status is 404": http.NotFound,
		"the status is 204": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"more than 1048576 bytes": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 10<<20))
		},
		"than 1048576 bytes": func(w http.ResponseWriter, r *http.Request) { // without an end
			for chunk := make([]byte, 32<<10); r.Context().Err() == nil; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"redirects to another host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusFound)
		},
		"host or scheme": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, plain.URL, http.StatusTemporaryRedirect)
		},
		"to another": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host, http.StatusMovedPermanently)
		},
		"more than 3 times": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusFound)
		},
		"": func(w http.ResponseWriter, _ *http.Request) { // an answer of headers
			for range 100 {
				w.Header().Add("X-Much", strings.Repeat("x", 4096))
			}
		},
	} {
		url, roots := published(t, answer)
		document, err := Fetch(t.Context(), Config{URL: url + "/?key=hush", Roots: roots})
		if err == nil || document != nil || !strings.Contains(err.Error(), says) ||
			strings.Contains(err.Error(), "hush") {
			t.Errorf("want %q: %d bytes, %v", says, len(document), err)
		}
	}
	if strayed.Load() {
		t.Error("another host was asked")
	}
}

// F25: a fetch from a source that hangs, at whatever moment, ends with the context, which the Refresher ends in time.
func TestFetch_OfAHangingSourceEnds(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"in the body": func(w http.ResponseWriter) {
			io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
		},
		"behind a length": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "9")
			io.WriteString(w, "{")
		},
		"in a compressed one": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(200)
		},
	} {
		url, roots := published(t, func(w http.ResponseWriter, r *http.Request) { begin(w); <-r.Context().Done() })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if doc, err := Fetch(ctx, Config{URL: url, Roots: roots}); err == nil ||
			!strings.Contains(err.Error(), "no answer within") {
			t.Errorf("%s: %q %v %v", name, doc, err, ctx.Err())
		}
		cancel()
	}
}

// F25: an unsigned certificate is refused; a redirect on the same host is followed; no proxy is used.
func TestFetch_BelievesItsRootsAndStaysOnItsHost(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	url, roots := published(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/new" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return
		}
		io.WriteString(w, `{"keys":[]}`)
	})
	if document, err := Fetch(t.Context(), Config{URL: url + "/old", Roots: roots}); err != nil ||
		string(document) != `{"keys":[]}` {
		t.Errorf("%s, %v", document, err)
	}
	if _, err := Fetch(t.Context(), Config{URL: url + "/old"}); err == nil ||
		!strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
}
