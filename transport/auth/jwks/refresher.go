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

// How often a set is fetched.
const (
	minAge       = time.Minute
	defaultAge   = 15 * time.Minute
	maxAge       = time.Hour
	minRetry     = time.Second
	maxRetry     = time.Minute
	refetchEvery = 30 * time.Second
)

// Source is the key set at one URL. Its methods may be called from many goroutines at once, but for Run.
type Refresher struct {
	// Static after New.
	fetcher *fetcher
	accept  func(document []byte) error
	log     *slog.Logger
	created time.Time

	fetches, failures atomic.Uint64
	lastSuccess       atomic.Int64 // when the last good fetch ended, in nanoseconds since born; 0 for never

	wake chan struct{} // has one for a fetch that somebody asked for

	mu      sync.Mutex
	running bool // guarded by mu
	// closed when the fetch that is under way, or about to be, has ended; nil for none; guarded by mu
	pending     chan struct{}
	lastRefetch time.Time // when somebody last asked in vain; guarded by mu

	// Owned by Run.
	document []byte // document that was taken
	retry    time.Duration
	failing  bool
}

// New makes a source that fetches nothing yet. take is called by Run with each new document; its error, which must hold
// no secret, says why it cannot be used. The error is that of CheckURL.
func New(cfg Config, take func(document []byte) error) (*Refresher, error) {
	f, err := newFetcher(cfg)
	if err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Refresher{fetcher: f, accept: take, log: log.With("host", f.url.Host), created: time.Now(),
		wake: make(chan struct{}, 1)}, nil
}

// Start says that Run is about to be called: from now on Ask has something to wait for.
func (s *Refresher) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.pending = true, make(chan struct{})
}

// Run fetches until the context ends.
func (s *Refresher) Run(ctx context.Context) {
	defer s.stop()
	for {
		wait := s.fetch(ctx)
		s.endFetch()
		if ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			s.beginFetch()
		case <-s.wake:
			timer.Stop()
		}
	}
}

// Ask has the set fetched, since a key is missing, and returns what is closed when that is done: with the fetch that is
// under way, or one that begins now. It is nil if there is nothing to wait for, since somebody asked in vain a moment
// ago.
func (s *Refresher) Refetch() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending != nil || !s.running || !s.lastRefetch.IsZero() && time.Since(s.lastRefetch) < refetchEvery {
		return s.pending
	}
	s.lastRefetch, s.pending = time.Now(), make(chan struct{})
	s.wake <- struct{}{} // nobody else puts one in while there is a flight
	return s.pending
}

func (s *Refresher) beginFetch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == nil {
		s.pending = make(chan struct{})
		return
	}
	<-s.wake // somebody asked at the same moment
}

func (s *Refresher) endFetch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.pending)
	s.pending = nil
}

func (s *Refresher) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	if s.pending != nil {
		close(s.pending)
		s.pending = nil
	}
}

// fetch does so once, and returns when to do it again.
func (s *Refresher) fetch(ctx context.Context) (again time.Duration) {
	s.fetches.Add(1)
	document, age, err := s.fetcher.fetch(ctx)
	if err == nil && !bytes.Equal(document, s.document) {
		if err = s.accept(document); err == nil {
			s.document = document
		}
	}
	if ctx.Err() != nil {
		return 0
	}
	if err != nil {
		return s.fetchFailed(err)
	}
	s.lastSuccess.Store(max(1, int64(time.Since(s.created))))
	if s.failing {
		s.log.Info("the key set can be fetched again")
	}
	s.failing, s.retry = false, 0
	return min(max(age, minAge), maxAge)
}

// failed says so once, until it works again.
func (s *Refresher) fetchFailed(why error) (again time.Duration) {
	s.failures.Add(1)
	level := slog.LevelDebug
	if !s.failing {
		level = slog.LevelWarn
	}
	s.failing = true
	s.retry = min(max(2*s.retry, minRetry), maxRetry)
	text := "the key set cannot be fetched; the one of before holds on"
	if s.document == nil {
		text = "the key set cannot be fetched; until it can be, its tokens are refused as unavailable"
	}
	s.log.Log(context.Background(), level, text, "why", why.Error(), "again", s.retry)
	return s.retry/2 + rand.N(s.retry/2+1)
}

// Figures are a snapshot of what was counted since New.
type Stats struct {
	// Fetches counts tries, Failures those of them that brought nothing to use.
	Fetches, Failures uint64
	// Age is the time since the last one that did; since New if there was none.
	Age time.Duration
}

// Figures are the counters, for metrics.
func (s *Refresher) Stats() Stats {
	return Stats{s.fetches.Load(), s.failures.Load(), time.Since(s.created) - time.Duration(s.lastSuccess.Load())}
}

// String keeps the address out of logs.
func (s *Refresher) String() string { return "[key set]" }
