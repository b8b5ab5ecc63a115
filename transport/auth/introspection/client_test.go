package introspection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const testSecret = "what-the-backend-knows-us-by"

// backend is a tenant's backend that answers as a test says, and records what it was asked.
type backend struct {
	*httptest.Server
	answer func(w http.ResponseWriter, body string)

	mu      sync.Mutex
	bodies  []string
	headers []http.Header
}

func newBackend(t testing.TB, answer func(w http.ResponseWriter, body string)) *backend {
	t.Helper()
	b := &backend{answer: answer}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.bodies, b.headers = append(b.bodies, r.Method+" "+r.URL.Path+" "+string(body)), append(b.headers, r.Header)
		b.mu.Unlock()
		b.answer(w, string(body))
	}))
	t.Cleanup(b.Server.Close)
	return b
}

func (b *backend) asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.bodies)
}

func says(text string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, text) }
}

func (b *backend) client(t testing.TB, cfg Config) *Client {
	t.Helper()
	cfg.URL, cfg.Secret = b.URL+"/ask", testSecret
	c, err := New("acme", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var whoIs = Question{Kind: User, Tenant: "acme", User: "42"}

func TestClient_AsksAsThePackageCommentSays(t *testing.T) {
	b := newBackend(t, says(`{"allow":true}`))
	c := b.client(t, Config{})
	for _, q := range []Question{
		{Kind: Session, Tenant: "acme", Session: "k<&>y", User: "u"},
		whoIs,
		{Kind: Access, Tenant: "acme", User: "42", Topic: "datasetUpdate/610217e481f6fc54736209e0"},
		{Kind: Outpost, Tenant: "acme", Outpost: "o", Token: "t"},
	} {
		if a, err := c.Ask(t.Context(), q); err != nil || !a.Allow {
			t.Errorf("%s: %+v, %v", q, a, err)
		}
	}
	want := []string{
		`POST /ask {"kind":"session","tenant":"acme","session":"k<&>y","user":"u"}`,
		`POST /ask {"kind":"user","tenant":"acme","user":"42"}`,
		`POST /ask {"kind":"access","tenant":"acme","user":"42","topic":"datasetUpdate/610217e481f6fc54736209e0"}`,
		`POST /ask {"kind":"outpost","tenant":"acme","outpost":"o","token":"t"}`,
	}
	if got := strings.Join(b.bodies, ""); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("asked\n%s", got)
	}
	h := b.headers[0]
	if h.Get("Authorization") != "Bearer "+testSecret || h.Get("Content-Type") != "application/json" ||
		h.Get("Cookie") != "" {
		t.Errorf("headers %v", h)
	}
}

func TestClient_ReadsAllOfAnAnswer(t *testing.T) {
	b := newBackend(t, says(`{"allow":true,"user":7,"outpost":null,"id":"s-1","topics":["a/*"],`+
		`"issued":1770000000,"expires":1770003600.5,"ttl":5,"else":{}}`))
	a, err := b.client(t, Config{}).Ask(t.Context(), whoIs)
	if err != nil || !a.Allow || a.User != "7" || a.ID != "s-1" || len(a.Topics) != 1 || a.Topics[0] != "a/*" ||
		a.Issued.Unix() != 1770000000 || a.Expires.Unix() != 1770003600 || *a.ttl != 5*time.Second {
		t.Errorf("%+v, %v", a, err)
	}
}

// An answer of any other form is a failure, and never a yes.
func TestClient_WhatIsNoAnswerIsAFailure(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, string){
		"nothing":        says(``),
		"no object":      says(`true`),
		"no allow":       says(`{"active":true}`),
		"allow is text":  says(`{"allow":"true"}`),
		"allow is 1":     says(`{"allow":1}`),
		"allow twice":    says(`{"allow":true,"allow":true}`),
		"two documents":  says(`{"allow":true}{"allow":true}`),
		"a bad user":     says(`{"allow":true,"user":"a\nb"}`),
		"a user of 1.5":  says(`{"allow":true,"user":1.5}`),
		"a bad time":     says(`{"allow":true,"expires":"tomorrow"}`),
		"milliseconds":   says(`{"allow":true,"expires":1770000000000000}`),
		"a negative ttl": says(`{"allow":true,"ttl":-1}`),
		"topics no list": says(`{"allow":true,"topics":"*"}`),
		"a topic of 1":   says(`{"allow":true,"topics":[1]}`),
		"many topics":    says(`{"allow":true,"topics":["a"` + strings.Repeat(`,"a"`, maxTopics) + `]}`),
		"too large":      says(`{"allow":true,"x":"` + strings.Repeat("x", maxAnswer) + `"}`),
		"created": func(w http.ResponseWriter, _ string) {
			w.WriteHeader(201)
			_, _ = io.WriteString(w, `{"allow":true}`)
		},
		"unauthorized": func(w http.ResponseWriter, _ string) {
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"allow":true}`)
		},
		"not found": func(w http.ResponseWriter, _ string) {
			w.WriteHeader(404)
			_, _ = io.WriteString(w, `{"allow":true}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, answer)
			c := b.client(t, Config{})
			a, err := c.Ask(t.Context(), whoIs)
			if !errors.Is(err, ErrUnavailable) || a.Allow {
				t.Errorf("%+v, %v", a, err)
			}
			if strings.Contains(fmt.Sprint(err), "42") || strings.Contains(fmt.Sprint(err), b.URL) {
				t.Errorf("the error tells too much: %v", err)
			}
			if b.asked() != 1 {
				t.Errorf("asked %d times; to ask again has no sense here", b.asked())
			}
			if f := c.Stats(); f.Failures != 1 || f.Unavailable != 1 || f.Entries != 0 {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestClient_FollowsNoRedirect(t *testing.T) {
	elsewhere := newBackend(t, says(`{"allow":true}`))
	for _, status := range []int{301, 302, 303, 307, 308} {
		b := newBackend(t, func(w http.ResponseWriter, _ string) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		})
		if _, err := b.client(t, Config{}).Ask(t.Context(), whoIs); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if elsewhere.asked() != 0 {
		t.Error("it went where it was sent")
	}
}

func TestClient_UsesNoProxyOfTheEnvironment(t *testing.T) {
	if proxy := http.DefaultTransport.(*http.Transport).Proxy; proxy == nil {
		t.Fatal("the default transport would have one")
	}
	c := newBackend(t, says(`{"allow":true}`)).client(t, Config{})
	if c.http.Transport.(*http.Transport).Proxy != nil || c.http.Jar != nil {
		t.Error("a proxy or a cookie jar is set")
	}
}

func TestClient_TriesAgainWhatMayPass(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503} {
		var times atomic.Int32
		b := newBackend(t, func(w http.ResponseWriter, _ string) {
			if times.Add(1) < 3 {
				w.WriteHeader(status)
				return
			}
			_, _ = io.WriteString(w, `{"allow":true}`)
		})
		c := b.client(t, Config{})
		if a, err := c.Ask(t.Context(), whoIs); err != nil || !a.Allow {
			t.Errorf("%d: %+v, %v", status, a, err)
		}
		if f := c.Stats(); f.Calls != 3 || f.Failures != 2 || f.Unavailable != 0 || f.Breaker != "closed" {
			t.Errorf("%+v", f)
		}
	}
}

func TestClient_ABackendThatIsNotThereIsAFailure(t *testing.T) {
	b := newBackend(t, says(""))
	c := b.client(t, Config{})
	b.Server.Close()
	if _, err := c.Ask(t.Context(), whoIs); !errors.Is(err, ErrUnavailable) ||
		strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("%v", err)
	}
	if f := c.Stats(); f.Calls != 3 || f.Failures != 3 {
		t.Errorf("%+v", f)
	}
}

func TestNew_NamesWhatIsWrong(t *testing.T) {
	good := Config{URL: "https://backend.example/x", Secret: testSecret}
	if _, err := New("acme", good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"no url":              func(c *Config) { c.URL = "" },
		"url: must be":        func(c *Config) { c.URL = "ftp://backend.example" },
		"url: must be an":     func(c *Config) { c.URL = "/x" },
		"url: holds":          func(c *Config) { c.URL = "https://me:hunter2@backend.example/" },
		"secret: has 5 bytes": func(c *Config) { c.Secret = "short" },
		"secret: must be of":  func(c *Config) { c.Secret = "sixteen bytes\r\nX: y" },
		"ask: must be":        func(c *Config) { c.Ask = []string{"access"} },
		"failure: must be":    func(c *Config) { c.Failure = "allow" },
		"budget: is 10s":      func(c *Config) { c.Budget = 10 * time.Second },
		"timeout: is 5s":      func(c *Config) { c.Timeout = 5 * time.Second },
		"tries: is 6":         func(c *Config) { c.Tries = 6 },
		"positive_ttl: is 1m": func(c *Config) { c.PositiveTTL = time.Millisecond },
		"negative_ttl: is -":  func(c *Config) { c.NegativeTTL = -1 },
		"stale: is 25h":       func(c *Config) { c.Stale = 25 * time.Hour },
		"cache_entries: is -": func(c *Config) { c.CacheEntries = -1 },
		"concurrency: is 102": func(c *Config) { c.Concurrency = 1025 },
	} {
		cfg := good
		change(&cfg)
		_, err := New("acme", cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestSecrets_StayOutOfWhatIsPrinted(t *testing.T) {
	q := Question{Kind: Session, Session: "hunter2", Token: "hunter2"}
	cfg := Config{URL: "https://x/", Secret: "hunter2-hunter2-hunter2"}
	c, err := New("acme", cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, it := range []any{q, cfg, c} {
			if text := fmt.Sprintf(verb, it); strings.Contains(text, "hunter2") {
				t.Errorf("%s of %T: %s", verb, it, text)
			}
		}
	}
}

// No sequence of bytes makes readAnswer panic, and nothing without a plain allow is an answer.
func FuzzReadAnswer(f *testing.F) {
	for _, text := range []string{`{"allow":true}`, `{"allow":false,"ttl":1e9}`,
		`{"allow":true,"user":7,"topics":["*"],"issued":1}`, `[]`, `{"allow":null}`,
		"{\"allow\":true,\"user\":\"\xff\"}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := readAnswer(text)
		if err == nil && !strings.Contains(string(text), "allow") && !strings.Contains(string(text), `\u`) {
			t.Errorf("%q is an answer: %+v", text, a)
		}
		if err != nil && a.Allow {
			t.Errorf("%q is a failure that allows", text)
		}
	})
}

func ask(c *Client, q Question) (Answer, error) { return c.Ask(context.Background(), q) }
