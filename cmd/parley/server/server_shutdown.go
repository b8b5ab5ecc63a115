package server

import (
	"context"
	"errors"
	"time"
)

// closeTime is how long the last closing handshakes of a drain may take beyond its time, on a machine that is too busy.
const closeTime = 2 * time.Second

// DrainTime is how long Drain may take.
func (s *Server) DrainTime() time.Duration { return s.config.Drain + closeTime }

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
	s.listeners.awaitLastAnswers(began, s.config.Drain)
}

// Close ends everything at once and waits for it; the context bounds the wait for requests that are being answered.
func (s *Server) Close(ctx context.Context) {
	s.background.stop()
	s.background.wait()
	s.addressFile().remove()
	s.listeners.stop(ctx)
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
	s.background.stop()
	s.node.Close()
	s.background.wait()
	return s.store.close()
}
