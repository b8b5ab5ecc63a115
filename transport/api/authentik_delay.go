package api

import (
	"sync"
	"time"
)

// Outposts up to 2024.12 ask again without a pause until they have an answer. A response that makes them do so is
// delayed (a tarpit), so that one client asks about once a second.
const (
	delayTime = time.Second
	// unansweredRetry is the Retry-After of such a response.
	unansweredRetry = 30 * time.Second
	// How many responses are delayed at once for one token, and in all. One more is not delayed, and closes its
	// connection.
	maxDelayedPerToken = 32
	maxDelayed         = 1024
	// maxLogged is how many outposts are remembered to be in the log.
	maxLogged = 1024
)

// delayedResponses counts the responses that are delayed, and remembers what was logged.
type delayedResponses struct {
	mu      sync.Mutex // guards the rest
	all     int
	byToken map[string]int
	logged  map[string]bool
}

// firstTime reports whether it sees what for the first time. It says no once it remembers maxLogged.
func (d *delayedResponses) firstTime(what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.logged[what] || len(d.logged) == maxLogged {
		return false
	}
	if d.logged == nil {
		d.logged = map[string]bool{}
	}
	d.logged[what] = true
	return true
}

// acquire reports whether one more response may be delayed.
func (d *delayedResponses) acquire(token string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == maxDelayed || d.byToken[token] == maxDelayedPerToken {
		return false
	}
	if d.byToken == nil {
		d.byToken = map[string]int{}
	}
	d.all++
	d.byToken[token]++
	return true
}

func (d *delayedResponses) release(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.byToken[token]--; d.byToken[token] == 0 {
		delete(d.byToken, token)
	}
}

// delay blocks the request's goroutine before it responds, but no longer than the client stays. A response over the
// bounds is not delayed.
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
