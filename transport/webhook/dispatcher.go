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

// Dispatcher sends the lifecycle events of one tenant to its backend. Tell is called by one goroutine at a time; its
// other methods may be called from many.
type Dispatcher struct {
	// Static after New.
	tenant string
	http   *http.Client
	ctx    context.Context // ends with the dispatcher
	cancel context.CancelFunc
	done   chan struct{} // closed when run has ended
	wakeup chan struct{} // capacity 1: an event waits, or the wait before the next try may be cut short

	mu        sync.Mutex // guards the fields below
	cfg       Config
	queue     queue
	inFlight  int           // events of the batch that is being sent
	idle      chan struct{} // closed while no event waits and none is in flight
	expedited bool          // the next try is to be made now
	full      bool          // events were lost since the queue was last empty
	ended     bool
	stats     Stats
}

var _ actors.Herald = (*Dispatcher)(nil)

// Stats counts what became of the events since New.
type Stats struct {
	// Delivered counts events that the backend has. Overflow counts events that were lost because the queue was full,
	// Unsent those that were lost because the dispatcher was closed.
	Delivered, Overflow, Unsent uint64
	// Batches counts batches that were delivered, Failures tries that failed.
	Batches, Failures uint64
	// Waiting counts the events that wait now, including those in flight; WaitingBytes excludes those in flight.
	Waiting, WaitingBytes int
	// Failing says that the last try failed.
	Failing bool
}

// New makes the dispatcher of a tenant and starts it; Close ends it. The error names all that is wrong.
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

// Reload changes all settings except Transport. Waiting events stay, and a failed batch is tried again at once.
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

// expedite cuts a wait before the next try short, unless the backend asked for it, and makes the waits begin small
// again.
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

// Tell implements actors.Herald. It appends to the queue and never blocks; text must not be changed afterwards.
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

// Flush blocks until all waiting events are delivered, or returns the context's error when that ends before.
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

// Close delivers waiting events until the context ends, and ends the dispatcher. The rest is lost.
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

// Stats returns a snapshot of the counters, for metrics.
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
