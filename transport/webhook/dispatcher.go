package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors"
)

// Courier brings the events of one tenant to its backend. Tell is called by one goroutine at a time; its other methods
// may be called from many.
type Dispatcher struct {
	// Static after New.
	tenant string
	http   *http.Client
	ctx    context.Context // ends with the courier
	cancel context.CancelFunc
	done   chan struct{} // closed when run has ended
	wakeup chan struct{} // capacity 1: something waits, or a wait for the next try may be over

	mu        sync.Mutex // guards these
	cfg       Config
	queue     queue
	inFlight  int           // events of the batch that is under way
	idle      chan struct{} // closed while nothing waits and nothing is under way
	expedited bool          // waits between tries begin anew
	full      bool          // events were lost since nothing waited
	ended     bool
	stats     Stats
}

var _ actors.Herald = (*Dispatcher)(nil)

// Figures count what became of events, since the courier was made.
type Stats struct {
	// Taken counts events that the backend has, Lost those that it never will: Overflow of the queue, or the courier's
	// End.
	Delivered, Overflow, Unsent uint64
	// Batches counts those that were taken, Failures tries that failed.
	Batches, Failures uint64
	// Waiting counts what waits now, the batch under way included; WaitingBytes is without that.
	Waiting, WaitingBytes int
	// Failing says that the last try failed.
	Failing bool
}

// New makes the courier of a tenant and starts it. Close ends it. The error tells all that is wrong.
func New(tenant string, cfg Config) (*Dispatcher, error) {
	cfg, err := checked(cfg)
	if err != nil {
		return nil, err
	}
	c := &Dispatcher{tenant: tenant, done: make(chan struct{}), wakeup: make(chan struct{}, 1),
		idle: make(chan struct{})}
	close(c.idle)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.http = &http.Client{Transport: cfg.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	if cfg.Transport == nil {
		c.http.Transport = &http.Transport{
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second,
			IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 1, MaxConnsPerHost: 1,
			MaxResponseHeaderBytes: maxHeaders, DisableCompression: true, ForceAttemptHTTP2: true,
		}
	}
	c.configure(cfg)
	go c.run()
	return c, nil
}

func checked(cfg Config) (Config, error) {
	cfg = cfg.withDefaults()
	if !cfg.Enabled() {
		return cfg, errors.New("webhook: there is no url")
	}
	var all []error
	for _, p := range cfg.Problems() {
		all = append(all, fmt.Errorf("webhook: %s %s", p.Key, p.Text))
	}
	return cfg, errors.Join(all...)
}

func (c *Dispatcher) configure(cfg Config) {
	c.cfg = cfg
	c.queue.maxEvents, c.queue.maxBytes = cfg.QueueEvents, cfg.QueueBytes
}

// Reload takes other settings, but for Transport. What waits stays, and what failed is tried at once.
func (c *Dispatcher) Reload(cfg Config) error {
	cfg, err := checked(cfg)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.configure(cfg)
	c.mu.Unlock()
	c.expedite()
	return nil
}

// hurry ends a wait between tries, unless the backend asked for it, and has the next waits begin small.
func (c *Dispatcher) expedite() {
	c.mu.Lock()
	c.expedited = true
	c.mu.Unlock()
	c.wake()
}

func (c *Dispatcher) wake() {
	select {
	case c.wakeup <- struct{}{}:
	default:
	}
}

// Tell implements actors.Herald.
func (c *Dispatcher) Tell(epoch string, number uint64, text []byte) {
	c.mu.Lock()
	if c.ended {
		c.stats.Unsent++
		c.mu.Unlock()
		return
	}
	if c.queue.len()+c.inFlight == 0 {
		c.idle, c.full = make(chan struct{}), false
	}
	lost := c.queue.push(event{epoch, number, text})
	c.stats.Overflow += uint64(lost)
	tell := lost > 0 && !c.full
	c.full = c.full || lost > 0
	log := c.cfg.Logger
	c.mu.Unlock()
	c.wake()
	if tell {
		log.Warn("lifecycle events are lost: the webhook's queue is full; its next batch says how many", "tenant",
			c.tenant)
	}
}

// Flush sends what waits and returns when it is taken, or with the context's error when that ends before.
func (c *Dispatcher) Flush(ctx context.Context) error {
	c.expedite()
	c.mu.Lock()
	idle := c.idle
	c.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-c.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close sends what waits until the context ends, and ends the courier. What is left is lost.
func (c *Dispatcher) Close(ctx context.Context) {
	_ = c.Flush(ctx)
	c.cancel()
	<-c.done
	c.http.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	left := c.queue.len() + c.inFlight
	c.stats.Unsent += uint64(left)
	c.queue, c.inFlight = queue{}, 0
	if left > 0 {
		c.cfg.Logger.Warn("lifecycle events were not taken by the webhook before the end", "tenant", c.tenant, "events",
			left)
	}
}

// Figures takes a snapshot.
func (c *Dispatcher) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.stats
	f.Waiting += c.queue.len() + c.inFlight
	f.WaitingBytes += c.queue.bytes
	return f
}

// String keeps the secret out of logs and messages.
func (c *Dispatcher) String() string { return "[webhook]" }

// GoString keeps the secret out of %#v.
func (c *Dispatcher) GoString() string { return c.String() }
