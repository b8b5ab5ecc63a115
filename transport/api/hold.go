package api

import (
	"sync"
	"time"
)

// Outposts up to 2024.12 ask again without a pause until they are answered. An answer that would have them do so is
// held for a while, by which one client asks about once a second.
const (
	holdTime = time.Second
	// unansweredRetry is what such a client is told to wait.
	unansweredRetry = 30 * time.Second
	// How many are held at once of one token, and in all. One more is answered at once, and its connection is closed.
	heldOfOne = 32
	heldOfAll = 1024
	// maxFirst is how many different things are remembered to have been logged.
	maxFirst = 1024
)

// holding counts what is held.
type holding struct {
	mu   sync.Mutex // guards these
	all  int
	by   map[string]int
	seen map[string]bool
}

// first reports whether this is the first time, as long as it can be remembered.
func (h *holding) first(what string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen[what] || len(h.seen) == maxFirst {
		return false
	}
	if h.seen == nil {
		h.seen = map[string]bool{}
	}
	h.seen[what] = true
	return true
}

// enter reports whether one more may be held.
func (h *holding) enter(whose string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == heldOfAll || h.by[whose] == heldOfOne {
		return false
	}
	if h.by == nil {
		h.by = map[string]int{}
	}
	h.all++
	h.by[whose]++
	return true
}

func (h *holding) leave(whose string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	if h.by[whose]--; h.by[whose] == 0 {
		delete(h.by, whose)
	}
}

// hold waits on the request's own goroutine before it is answered, until its client is gone at most.
func (a *API) hold(x *exchange) {
	whose := x.tenant + "/" + x.r.Header.Get("Authorization")
	if !a.held.enter(whose) {
		x.header("Connection", "close")
		return
	}
	defer a.held.leave(whose)
	timer := time.NewTimer(holdTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.r.Context().Done():
	}
}
