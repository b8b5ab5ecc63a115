package conformance

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

var (
	// errTimeout means that nothing came in time.
	errTimeout = errors.New("nothing came in time")
	// errDropped means that the connection has ended.
	errDropped = errors.New("the connection was dropped")
)

// readAhead bounds what was read from a server and is still unused, in bytes.
const readAhead = 4 << 20

// stream is what a server sends. A goroutine reads ahead, so that a server that answers before it has read all does not
// block, and so that its last bytes are there even when a write of ours has failed.
type stream struct {
	mu      sync.Mutex
	unread  []byte
	ended   bool
	limit   int           // bytes that may be unread
	changed chan struct{} // signalled when there is more, or the end
	room    chan struct{} // signalled when some was read
	closed  chan struct{}
	reading sync.WaitGroup
}

func newStream(conn net.Conn) *stream {
	s := &stream{limit: readAhead, changed: make(chan struct{}, 1),
		room: make(chan struct{}, 1), closed: make(chan struct{})}
	s.reading.Go(func() { s.fill(conn) })
	return s
}

func (s *stream) fill(conn net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		s.mu.Lock()
		s.unread = append(s.unread, buffer[:n]...)
		s.ended = err != nil
		full := len(s.unread) >= s.limit
		s.mu.Unlock()
		signal(s.changed)
		for full && err == nil {
			select {
			case <-s.room:
			case <-s.closed:
				return
			}
			s.mu.Lock()
			full = len(s.unread) >= s.limit
			s.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// deafen stops the reading after the read that is under way.
func (s *stream) deafen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = 0
}

// stop ends the reading once the connection is closed.
func (s *stream) stop() {
	close(s.closed)
	s.reading.Wait()
}

// wait returns when take could do something, else with errTimeout at the deadline.
func (s *stream) wait(ctx context.Context, deadline time.Time) error {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-s.changed:
		return nil
	case <-timer.C:
		return errTimeout
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take returns up to n bytes that are there, and whether the stream ends after them.
func (s *stream) take(n int) (b []byte, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.unread))
	b = append(b, s.unread[:n]...)
	s.unread = s.unread[n:]
	signal(s.room)
	return b, s.ended && len(s.unread) == 0
}

// next is the next n bytes.
func (s *stream) next(ctx context.Context, n int, deadline time.Time) ([]byte, error) {
	var b []byte
	for {
		more, ended := s.take(n - len(b))
		if b = append(b, more...); len(b) == n {
			return b, nil
		}
		if ended {
			return nil, errDropped
		}
		if err := s.wait(ctx, deadline); err != nil {
			if len(b) > 0 {
				return nil, fail("the server stopped after %d of %d bytes", len(b), n)
			}
			return nil, err
		}
	}
}

// drain discards what comes, to the end of the stream.
func (s *stream) drain(ctx context.Context, deadline time.Time) error {
	for {
		if _, ended := s.take(readAhead); ended {
			return nil
		}
		if err := s.wait(ctx, deadline); err != nil {
			return err
		}
	}
}
