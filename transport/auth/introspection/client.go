package introspection

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/sony/gobreaker/v2"
)

// ErrUnavailable says that there is no answer: neither the backend nor the failure policy has one.
var ErrUnavailable = errors.New("the backend does not answer")

// Client asks one backend. Its methods may be called from many goroutines at once.
type Client struct {
	// Static after New.
	cfg      Config
	name     string
	http     *http.Client
	breaker  *gobreaker.CircuitBreaker[Answer]
	slots    chan struct{} // holds one for each question that is being asked
	counters counters

	mu    sync.Mutex
	cache answerCache // guarded by mu
	// pending has the questions that are being asked: at most slots * (1 + waitersPerSlot); guarded by mu.
	pending map[questionHash]*pendingCall
}

// pendingCall is a question that is being asked. done is closed once the other fields are set.
type pendingCall struct {
	done      chan struct{}
	answer    Answer
	err       error
	abandoned bool // its caller gave up; those that wait for it ask again
}

// New makes the client for the tenant called name. The error names all that is wrong.
func New(name string, cfg Config) (*Client, error) {
	cfg = cfg.WithDefaults()
	if !cfg.Enabled() {
		return nil, errors.New("introspection: there is no url")
	}
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	c := &Client{
		cfg: cfg, name: name, cache: newAnswerCache(&cfg), pending: map[questionHash]*pendingCall{},
		slots: make(chan struct{}, cfg.Concurrency),
		http: &http.Client{Transport: cfg.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	if cfg.Transport == nil {
		c.http.Transport = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: cfg.Timeout}).DialContext,
			TLSHandshakeTimeout: cfg.Timeout, IdleConnTimeout: cfg.Timeout * 30,
			MaxIdleConnsPerHost: cfg.Concurrency, MaxConnsPerHost: cfg.Concurrency,
			MaxResponseHeaderBytes: maxHeaders, DisableCompression: true, ForceAttemptHTTP2: true,
		}
	}
	c.breaker = gobreaker.NewCircuitBreaker[Answer](gobreaker.Settings{
		MaxRequests: 1, Timeout: openFor,
		ReadyToTrip:   func(seen gobreaker.Counts) bool { return seen.ConsecutiveFailures >= tripAfter },
		IsExcluded:    func(err error) bool { return errors.Is(err, errAbandoned) },
		OnStateChange: c.logState,
	})
	return c, nil
}

// logState logs when the backend stops answering, and when it is back.
func (c *Client) logState(_ string, _, to gobreaker.State) {
	switch to {
	case gobreaker.StateOpen:
		c.cfg.Logger.Warn("the tenant's backend does not answer; it is left alone for a while",
			"tenant", c.name, "for", openFor, "policy", c.cfg.Failure)
	case gobreaker.StateClosed:
		c.cfg.Logger.Info("the tenant's backend answers again", "tenant", c.name)
	}
}

// Ask returns the backend's answer: a fresh one, a cached one or, if the policy allows it, an expired one. The error
// wraps ErrUnavailable. Ask may block for the Budget; it gives up when the context ends.
func (c *Client) Ask(ctx context.Context, q Question) (Answer, error) {
	c.counters.asked.Add(1)
	f := q.hash()
	for {
		answer, known, shared, leads := c.join(f)
		switch {
		case known:
			c.counters.cached.Add(1)
			return answer, nil
		case shared == nil:
			c.counters.rejected.Add(1)
			return c.fallback(f, errOverloaded)
		case leads:
			return c.perform(ctx, f, shared, &q)
		}
		select {
		case <-shared.done:
		case <-ctx.Done():
			return c.fallback(f, ctx.Err())
		}
		if !shared.abandoned {
			c.counters.shared.Add(1)
			if shared.err != nil {
				return c.fallback(f, shared.err)
			}
			return shared.answer, nil
		}
	}
}

// join returns a cached answer, or the pending call to wait for, or a new one that the caller leads; no call if there
// are too many.
func (c *Client) join(f questionHash) (answer Answer, known bool, shared *pendingCall, leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, known = c.cache.get(f, c.cfg.Clock()); known {
		return answer, true, nil, false
	}
	if shared = c.pending[f]; shared != nil {
		return answer, false, shared, false
	}
	if len(c.pending) >= cap(c.slots)*(1+waitersPerSlot) {
		return answer, false, nil, false
	}
	shared = &pendingCall{done: make(chan struct{}), abandoned: true}
	c.pending[f] = shared
	return answer, false, shared, true
}

// perform asks, for all callers that wait for the same answer.
func (c *Client) perform(ctx context.Context, f questionHash, own *pendingCall, q *Question) (Answer, error) {
	defer c.finish(f, own)
	answer, err := c.fetch(ctx, q)
	if ctx.Err() != nil && err != nil {
		return c.fallback(f, ctx.Err())
	}
	own.answer, own.err, own.abandoned = answer, err, false
	if err != nil {
		return c.fallback(f, err)
	}
	return answer, nil
}

// finish ends a pending call and caches its answer.
func (c *Client) finish(f questionHash, own *pendingCall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, f)
	if !own.abandoned && own.err == nil {
		c.cache.put(f, own.answer, c.cfg.Clock())
	}
	close(own.done)
}

// fallback returns what the policy allows without an answer.
func (c *Client) fallback(f questionHash, err error) (Answer, error) {
	c.mu.Lock()
	answer, ok := c.cache.getStale(f, c.cfg.Clock())
	c.mu.Unlock()
	if ok {
		c.counters.stale.Add(1)
		return answer, nil
	}
	c.counters.unavailable.Add(1)
	return Answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// Close closes idle connections. A call that is under way is not cut off.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Stats returns a snapshot of the counters, for metrics.
func (c *Client) Stats() Stats {
	n := &c.counters
	f := Stats{
		Asked: n.asked.Load(), Cached: n.cached.Load(), Shared: n.shared.Load(), Stale: n.stale.Load(),
		Unavailable: n.unavailable.Load(),
		Calls:       n.calls.Load(), Failures: n.failures.Load(), Rejected: n.rejected.Load(),
		Breaker: c.breaker.State().String(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.Entries = c.cache.len()
	return f
}

// String keeps the secret out of logs and messages.
func (c *Client) String() string { return "[introspection]" }

// GoString keeps the secret out of %#v.
func (c *Client) GoString() string { return c.String() }
