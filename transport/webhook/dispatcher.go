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
type Courier struct {
	// Static after New.
	tenant string
	http   *http.Client
	ctx    context.Context // ends with the courier
	cancel context.CancelFunc
	done   chan struct{} // closed when run has ended
	more   chan struct{} // capacity 1: something waits, or a wait for the next try may be over

	mu       sync.Mutex // guards these
	cfg      Config
	queue    queue
	carrying int           // events of the batch that is under way
	idle     chan struct{} // closed while nothing waits and nothing is under way
	hurried  bool          // waits between tries begin anew
	full     bool          // events were lost since nothing waited
	ended    bool
	figures  Figures
}

var _ actors.Herald = (*Courier)(nil)

// Figures count what became of events, since the courier was made.
type Figures struct {
	// Taken counts events that the backend has, Lost those that it never will: Overflow of the queue, or the courier's End.
	Taken, Overflow, End uint64
	// Batches counts those that were taken, Failures tries that failed.
	Batches, Failures uint64
	// Waiting counts what waits now, the batch under way included; WaitingBytes is without that.
	Waiting, WaitingBytes int
	// Failing says that the last try failed.
	Failing bool
}

// New makes the courier of a tenant and starts it. Close ends it. The error tells all that is wrong.
func New(tenant string, cfg Config) (*Courier, error) {
	cfg, err := checked(cfg)
	if err != nil {
		return nil, err
	}
	c := &Courier{tenant: tenant, done: make(chan struct{}), more: make(chan struct{}, 1), idle: make(chan struct{})}
	close(c.idle)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.http = &http.Client{Transport: cfg.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if cfg.Transport == nil {
		c.http.Transport = &http.Transport{
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second,
			IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 1, MaxConnsPerHost: 1,
			MaxResponseHeaderBytes: maxHeaders, DisableCompression: true, ForceAttemptHTTP2: true,
		}
	}
	c.obey(cfg)
	go c.run()
	return c, nil
}

func checked(cfg Config) (Config, error) {
	cfg = cfg.withDefaults()
	if !cfg.On() {
		return cfg, errors.New("webhook: there is no url")
	}
	var all []error
	for _, p := range cfg.Problems() {
		all = append(all, fmt.Errorf("webhook: %s %s", p.Key, p.Text))
	}
	return cfg, errors.Join(all...)
}

func (c *Courier) obey(cfg Config) {
	c.cfg = cfg
	c.queue.most, c.queue.mostBytes = cfg.QueueEvents, cfg.QueueBytes
}

// Reload takes other settings, but for Transport. What waits stays, and what failed is tried at once.
func (c *Courier) Reload(cfg Config) error {
	cfg, err := checked(cfg)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.obey(cfg)
	c.mu.Unlock()
	c.hurry()
	return nil
}

// hurry ends a wait between tries, unless the backend asked for it, and has the next waits begin small.
func (c *Courier) hurry() {
	c.mu.Lock()
	c.hurried = true
	c.mu.Unlock()
	c.wake()
}

func (c *Courier) wake() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// Tell implements actors.Herald.
func (c *Courier) Tell(epoch string, number uint64, text []byte) {
	c.mu.Lock()
	if c.ended {
		c.figures.End++
		c.mu.Unlock()
		return
	}
	if c.queue.len()+c.carrying == 0 {
		c.idle, c.full = make(chan struct{}), false
	}
	lost := c.queue.push(event{epoch, number, text})
	c.figures.Overflow += uint64(lost)
	tell := lost > 0 && !c.full
	c.full = c.full || lost > 0
	log := c.cfg.Logger
	c.mu.Unlock()
	c.wake()
	if tell {
		log.Warn("lifecycle events are lost: the webhook's queue is full; its next batch says how many", "tenant", c.tenant)
	}
}

// Flush sends what waits and returns when it is taken, or with the context's error when that ends before.
func (c *Courier) Flush(ctx context.Context) error {
	c.hurry()
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
func (c *Courier) Close(ctx context.Context) {
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
	left := c.queue.len() + c.carrying
	c.figures.End += uint64(left)
	c.queue, c.carrying = queue{}, 0
	if left > 0 {
		c.cfg.Logger.Warn("lifecycle events were not taken by the webhook before the end", "tenant", c.tenant, "events", left)
	}
}

// Figures takes a snapshot.
func (c *Courier) Figures() Figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.figures
	f.Waiting += c.queue.len() + c.carrying
	f.WaitingBytes += c.queue.bytes
	return f
}

// String keeps the secret out of logs and messages.
func (c *Courier) String() string { return "[webhook]" }

// GoString keeps the secret out of %#v.
func (c *Courier) GoString() string { return c.String() }
