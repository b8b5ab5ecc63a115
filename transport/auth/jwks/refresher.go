package jwks

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// When a set is fetched.
const (
	minAge       = time.Minute // as the next ones, the time from one fetch to the next
	defaultAge   = 15 * time.Minute
	maxAge       = time.Hour
	minRetry     = time.Second // after a failure
	maxRetry     = time.Minute
	refetchEvery = 30 * time.Second // for unknown keys
)

// Refresher keeps the key set at one URL fresh. Its methods may be called from many goroutines at once, except for Run.
type Refresher struct {
	// Static after New.
	fetcher *fetcher
	accept  func(document []byte) error
	log     *slog.Logger
	created time.Time

	fetches, failures atomic.Uint64
	lastSuccess       atomic.Int64 // the end of the last good fetch, in nanoseconds since created; 0 for never

	wake chan struct{} // holds one for a fetch that Refetch asked for

	mu      sync.Mutex
	running bool // guarded by mu
	// pending is closed when the fetch that is under way, or about to begin, has ended; nil for none; guarded by mu.
	pending     chan struct{}
	lastRefetch time.Time // when Refetch last began a fetch; guarded by mu

	// Owned by Run.
	document []byte // accepted last
	retry    time.Duration
	failing  bool
}

// New makes a Refresher that does not fetch yet. Run calls accept with each new document; its error says why the
// document cannot be used, and must hold no secret. The error of New is that of CheckURL.
func New(cfg Config, accept func(document []byte) error) (*Refresher, error) {
	f, err := newFetcher(cfg)
	if err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Refresher{fetcher: f, accept: accept, log: log.With("host", f.url.Host), created: time.Now(),
		wake: make(chan struct{}, 1)}, nil
}

// Start says that Run is about to be called: from now on Refetch has something to wait for.
func (r *Refresher) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.pending = true, make(chan struct{})
}

// Run fetches until the context ends. It is called once.
func (r *Refresher) Run(ctx context.Context) {
	defer r.stop()
	for {
		wait := r.fetch(ctx)
		r.endFetch()
		if ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			r.beginFetch()
		case <-r.wake:
			timer.Stop()
		}
	}
}

// Refetch fetches the set anew, since a key is missing, without blocking. It returns a channel that is closed when that
// is done: with the fetch that is under way, or with one that begins now. The channel is nil if there is nothing to
// wait for, since an earlier call began a fetch a moment ago.
func (r *Refresher) Refetch() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending != nil || !r.running || !r.lastRefetch.IsZero() && time.Since(r.lastRefetch) < refetchEvery {
		return r.pending
	}
	r.lastRefetch, r.pending = time.Now(), make(chan struct{})
	r.wake <- struct{}{} // nobody else sends while there is a pending fetch
	return r.pending
}

// beginFetch begins the fetch for which Run's timer has fired.
func (r *Refresher) beginFetch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == nil {
		r.pending = make(chan struct{})
		return
	}
	<-r.wake // Refetch was called at the same moment
}

func (r *Refresher) endFetch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.pending)
	r.pending = nil
}

func (r *Refresher) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = false
	if r.pending != nil {
		close(r.pending)
		r.pending = nil
	}
}

// fetch fetches once, and returns the wait before the next fetch.
func (r *Refresher) fetch(ctx context.Context) (wait time.Duration) {
	r.fetches.Add(1)
	document, age, err := r.fetcher.fetch(ctx)
	if err == nil && !bytes.Equal(document, r.document) {
		if err = r.accept(document); err == nil {
			r.document = document
		}
	}
	if ctx.Err() != nil {
		return 0
	}
	if err != nil {
		return r.fetchFailed(err)
	}
	r.lastSuccess.Store(max(1, int64(time.Since(r.created))))
	if r.failing {
		r.log.Info("the key set can be fetched again")
	}
	r.failing, r.retry = false, 0
	return min(max(age, minAge), maxAge)
}

// fetchFailed warns at the first of several failures, and returns the wait before the next try.
func (r *Refresher) fetchFailed(err error) (wait time.Duration) {
	r.failures.Add(1)
	level := slog.LevelDebug
	if !r.failing {
		level = slog.LevelWarn
	}
	r.failing = true
	r.retry = min(max(2*r.retry, minRetry), maxRetry)
	text := "the key set cannot be fetched; the one of before holds on"
	if r.document == nil {
		text = "the key set cannot be fetched; until it can be, its tokens are refused as unavailable"
	}
	r.log.Log(context.Background(), level, text, "why", err.Error(), "again", r.retry)
	return r.retry/2 + rand.N(r.retry/2+1)
}

// Stats is a snapshot of what was counted since New.
type Stats struct {
	// Fetches counts all fetches, Failures those that brought no usable document.
	Fetches, Failures uint64
	// Age is the time since the last good fetch, or since New if there was none.
	Age time.Duration
}

// Stats returns a snapshot of the counters, for metrics.
func (r *Refresher) Stats() Stats {
	return Stats{r.fetches.Load(), r.failures.Load(), time.Since(r.created) - time.Duration(r.lastSuccess.Load())}
}

// String keeps the address out of logs.
func (r *Refresher) String() string { return "[key set]" }
