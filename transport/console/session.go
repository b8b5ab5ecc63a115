package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
)

// role says what a person may do.
type role string

const (
	nobody   role = ""
	viewer   role = "viewer"
	operator role = "operator"
)

const (
	cookieName  = "parley_console"
	sessionTime = 12 * time.Hour
	// maxSessions bounds the sessions; one more ends the oldest.
	maxSessions = 256
	maxLogin    = 4 << 10 // bytes of a login
)

// person is who makes a request.
type person struct {
	role   role
	number int // of the session, for the log; 0 in dev mode and for a key in a header
	ends   time.Time
}

// sessions are those of the people who have shown a key. They are known by the hash of their cookie.
type sessions struct {
	limiter *rate.Limiter // of logins that fail

	mu   sync.Mutex // guards the fields below
	open map[[sha256.Size]byte]person
	last int
}

// gate says who may come in.
type gate struct {
	cfg      *Config
	sessions sessions
}

func newGate(cfg *Config) *gate {
	return &gate{cfg: cfg, sessions: sessions{limiter: newLoginLimiter()}}
}

// newLoginLimiter lets ten keys in a row be wrong, and then one a second.
func newLoginLimiter() *rate.Limiter { return rate.NewLimiter(1, 10) }

// start makes a session, and returns its cookie's value.
func (s *sessions) start(r role, now time.Time) (secret string, p person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest [sha256.Size]byte
	for key, known := range s.open {
		if now.After(known.ends) {
			delete(s.open, key)
		} else if before, ok := s.open[oldest]; !ok || known.number < before.number {
			oldest = key
		}
	}
	if len(s.open) >= maxSessions {
		delete(s.open, oldest)
	}
	if s.open == nil {
		s.open = map[[sha256.Size]byte]person{}
	}
	s.last++
	secret, p = rand.Text(), person{role: r, number: s.last, ends: now.Add(sessionTime)}
	s.open[sha256.Sum256([]byte(secret))] = p
	return secret, p
}

// find returns the person of a cookie's value.
func (s *sessions) find(secret string, now time.Time) (person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.open[sha256.Sum256([]byte(secret))]
	return p, ok && now.Before(p.ends)
}

func (s *sessions) end(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(secret)))
}

// identify returns the person who makes a request.
func (g *gate) identify(r *http.Request) person {
	if g.cfg.Dev && loopbackName(r.Host) {
		return person{role: operator}
	}
	if cookie, err := r.Cookie(cookieName); err == nil {
		if p, ok := g.sessions.find(cookie.Value, time.Now()); ok {
			return p
		}
	}
	return person{}
}

// loopbackName reports whether a Host header names this machine.
func loopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// roleOf is what a key opens.
func (g *gate) roleOf(key string) role {
	switch {
	case api.SameKey(key, g.cfg.AdminKey):
		return operator
	case api.SameKey(key, g.cfg.ViewerKey):
		return viewer
	}
	return nobody
}

// showSession says who is there, and what the page has to know before it shows anything.
func (g *gate) showSession(w http.ResponseWriter, r *http.Request) {
	p := g.identify(r)
	var tenants []string
	if p.role != nobody {
		tenants = g.cfg.Node.Tenants()
	}
	respond(w, map[string]any{
		"role": p.role, "dev": g.cfg.Dev, "version": g.cfg.Version, "tenants": tenants,
		"keys": g.cfg.AdminKey != "" || g.cfg.ViewerKey != "",
	})
}

func (g *gate) login(w http.ResponseWriter, r *http.Request) {
	var shown struct {
		Key string `json:"key"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxLogin)).Decode(&shown); err != nil {
		respondRefusal(w, protocol.Refuse(protocol.Malformed, `a login is {"key": KEY}`))
		return
	}
	if g.sessions.limiter.Tokens() < 1 {
		w.Header().Set("Retry-After", "1")
		respondRefusal(w, protocol.Refuse(protocol.RateLimited, "too many keys were wrong; wait a moment"))
		return
	}
	role := g.roleOf(shown.Key)
	if role == nobody {
		g.sessions.limiter.Allow()
		g.cfg.Logger.Warn("the console refused a key", "from", r.RemoteAddr)
		respondRefusal(w, protocol.Refuse(protocol.InvalidToken, "this key opens nothing here"))
		return
	}
	secret, p := g.sessions.start(role, time.Now())
	g.cfg.Logger.Info("somebody logged in to the console", "role", role, "session", p.number, "from", r.RemoteAddr)
	g.setCookie(w, r, secret, int(sessionTime.Seconds()))
	w.WriteHeader(http.StatusNoContent)
}

func (g *gate) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		g.sessions.end(cookie.Value)
	}
	g.setCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

func (g *gate) setCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/console/", MaxAge: age, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}

// guard lets those in who may look.
func (g *gate) guard(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.identify(r).role == nobody {
			respondRefusal(w, errStranger)
			return
		}
		if err := serve(w, r); err != nil {
			fail(g.cfg.Logger, w, err)
		}
	})
}

var errStranger = protocol.Refuse(protocol.Unauthorized, "log in to the console first")
