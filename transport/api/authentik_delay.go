package api

import (
	"sync"
	"time"
)

// Outposts up to 2024.12 ask again without a pause until they are answered. An answer that would have them do so is
// held for a while, by which one client asks about once a second.
const (
	delayTime = time.Second
	// unansweredRetry is what such a client is told to wait.
	unansweredRetry = 30 * time.Second
	// How many are held at once of one token, and in all. One more is answered at once, and its connection is closed.
	maxDelayedPerToken = 32
	maxDelayed         = 1024
	// maxFirst is how many different things are remembered to have been logged.
	maxLogged = 1024
)

// holding counts what is held.
type delayedResponses struct {
	mu      sync.Mutex // guards these
	all     int
	byToken map[string]int
	logged  map[string]bool
}

// first reports whether this is the first time, as long as it can be remembered.
func (h *delayedResponses) firstTime(what string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.logged[what] || len(h.logged) == maxLogged {
		return false
	}
	if h.logged == nil {
		h.logged = map[string]bool{}
	}
	h.logged[what] = true
	return true
}

// enter reports whether one more may be held.
func (h *delayedResponses) acquire(token string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == maxDelayed || h.byToken[token] == maxDelayedPerToken {
		return false
	}
	if h.byToken == nil {
		h.byToken = map[string]int{}
	}
	h.all++
	h.byToken[token]++
	return true
}

func (h *delayedResponses) release(token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	if h.byToken[token]--; h.byToken[token] == 0 {
		delete(h.byToken, token)
	}
}

// hold waits on the request's own goroutine before it is answered, until its client is gone at most.
func (a *API) delay(rc *requestContext) {
	token := rc.tenant + "/" + rc.r.Header.Get("Authorization")
	if !a.delayed.acquire(token) {
		rc.setHeader("Connection", "close")
		return
	}
	defer a.delayed.release(token)
	timer := time.NewTimer(delayTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-rc.r.Context().Done():
	}
}
