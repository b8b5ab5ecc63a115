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

var _ actors.LifecycleSink = (*Dispatcher)(nil)

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
	// LastError is why the last try failed that did, and LastFailure when that was; neither names the URL.
	LastError   string
	LastFailure time.Time
}

// New makes the dispatcher of a tenant and starts it; Close ends it. The error names all that is wrong.
func New(tenant string, cfg Config) (*Dispatcher, error) {
	cfg, err := checked(cfg)
	if err != nil {
		return nil, err
	}
	d := &Dispatcher{tenant: tenant, done: make(chan struct{}), wakeup: make(chan struct{}, 1),
		idle: make(chan struct{})}
	close(d.idle)
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.http = newClient(&cfg)
	d.configure(cfg)
	go d.run()
	return d, nil
}

// newClient makes what calls a backend. It follows no redirects.
func newClient(cfg *Config) *http.Client {
	c := &http.Client{Transport: cfg.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	if cfg.Transport == nil {
		c.Transport = &http.Transport{
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second,
			IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 1, MaxConnsPerHost: 1,
			MaxResponseHeaderBytes: maxHeaders, DisableCompression: true, ForceAttemptHTTP2: true,
		}
	}
	return c
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

func (d *Dispatcher) configure(cfg Config) {
	d.cfg = cfg
	d.queue.maxEvents, d.queue.maxBytes = cfg.QueueEvents, cfg.QueueBytes
}

// Reload changes all settings except Transport. Waiting events stay, and a failed batch is tried again at once.
func (d *Dispatcher) Reload(cfg Config) error {
	cfg, err := checked(cfg)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.configure(cfg)
	d.mu.Unlock()
	d.expedite()
	return nil
}

// expedite cuts a wait before the next try short, unless the backend asked for it, and makes the waits begin small
// again.
func (d *Dispatcher) expedite() {
	d.mu.Lock()
	d.expedited = true
	d.mu.Unlock()
	d.wake()
}

func (d *Dispatcher) wake() {
	select {
	case d.wakeup <- struct{}{}:
	default:
	}
}

// Emit implements actors.LifecycleSink. It appends to the queue and never blocks; text must not be changed afterwards.
func (d *Dispatcher) Emit(epoch string, number uint64, text []byte) {
	d.mu.Lock()
	if d.ended {
		d.stats.Unsent++
		d.mu.Unlock()
		return
	}
	if d.queue.len()+d.inFlight == 0 {
		d.idle, d.full = make(chan struct{}), false
	}
	lost := d.queue.push(event{epoch, number, text})
	d.stats.Overflow += uint64(lost)
	warn := lost > 0 && !d.full
	d.full = d.full || lost > 0
	log := d.cfg.Logger
	d.mu.Unlock()
	d.wake()
	if warn {
		log.Warn("lifecycle events are lost: the webhook's queue is full; its next batch says how many",
			"tenant", d.tenant)
	}
}

// Flush blocks until all waiting events are delivered, or returns the context's error when that ends before.
func (d *Dispatcher) Flush(ctx context.Context) error {
	d.expedite()
	d.mu.Lock()
	idle := d.idle
	d.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-d.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close delivers waiting events until the context ends, and ends the dispatcher. The rest is lost.
func (d *Dispatcher) Close(ctx context.Context) {
	_ = d.Flush(ctx)
	d.cancel()
	<-d.done
	d.http.CloseIdleConnections()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return
	}
	d.ended = true
	left := d.queue.len() + d.inFlight
	d.stats.Unsent += uint64(left)
	d.queue, d.inFlight = queue{}, 0
	if left > 0 {
		d.cfg.Logger.Warn("lifecycle events were not taken by the webhook before the end",
			"tenant", d.tenant, "events", left)
	}
}

// Stats returns a snapshot of the counters, for metrics.
func (d *Dispatcher) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stats
	s.Waiting += d.queue.len() + d.inFlight
	s.WaitingBytes += d.queue.bytes
	return s
}

// String keeps the secret out of logs and messages.
func (d *Dispatcher) String() string { return "[webhook]" }

// GoString keeps the secret out of %#v.
func (d *Dispatcher) GoString() string { return d.String() }
