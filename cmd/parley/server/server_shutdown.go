package server

import (
	"context"
	"errors"
	"time"
)

// Drain ends all connections in order, over the configured time or until the context ends.
func (s *Server) Drain(ctx context.Context) {
	s.log.Info("draining", "connections", s.sockets.Sockets(), "within", s.config.Drain)
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.DrainTime())
	defer cancel()
	if err := s.node.Drain(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("drain ended early", "error", err)
	}
	s.webhooks.flush(ctx)
	s.awaitLastAnswers(began)
}

// lastAnswersTime is how long a drain lasts at least while clients keep HTTP connections open: an answer tells each
// client that uses its connection that it closes, so that no client has a request on the way when it does.
const lastAnswersTime = time.Second

func (s *Server) awaitLastAnswers(began time.Time) {
	for s.connLimit.requests.Load() > 0 && time.Since(began) < min(lastAnswersTime, s.config.Drain) {
		time.Sleep(10 * time.Millisecond)
	}
}

// Close ends everything at once and waits for it; the context bounds the wait for requests that are being answered.
func (s *Server) Close(ctx context.Context) {
	s.stop()
	s.feeds.Wait()
	s.removeAddress()
	s.stopListening(ctx)
	if err := s.closeNode(); err != nil {
		s.log.Error("the store of durable topics did not close as it should; its next start looks what is there",
			"cause", err)
	}
	soon, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	s.webhooks.close(soon)
	_ = s.sockets.Wait(ctx)
	s.sockets.Close()
	s.closeAuth()
}

// closeAuth ends the verifier and the journal of revocations.
func (s *Server) closeAuth() {
	if s.verifier != nil {
		s.verifier.Close()
	}
	if s.revocations != nil {
		_ = s.revocations.Close() // each revocation that was answered is on disk
	}
}

// closeNode ends the engine and its store.
func (s *Server) closeNode() error {
	s.stop()
	s.node.Close()
	s.feeds.Wait()
	if s.store == nil {
		return nil
	}
	return s.store.Close()
}
