package server

import "github.com/parley-realtime/parley/transport/api"

// The metrics that the API cannot know by itself.

// processMetrics are those of the process around the engine.
func (s *Server) processMetrics() api.ProcessStats {
	p := api.ProcessStats{Certificate: s.cert.expiry()}
	if s.options.LogLost != nil {
		lost := s.options.LogLost()
		p.LogFull, p.LogFailed = lost.Full, lost.Failed
	}
	return p
}

// authMetrics are those of the verifier.
func (s *Server) authMetrics() api.AuthStats {
	now := s.verifier.Stats()
	g := api.AuthStats{Tickets: now.Tickets, TicketsLost: now.TicketsLost, Revocations: now.Revocations,
		RevocationsLost:    now.Forgotten,
		RevocationsNotKept: now.NotKept, Backends: map[string]api.BackendStats{}, KeySets: map[string]api.KeySetStats{}}
	for tenant, set := range now.KeySets {
		g.KeySets[tenant] = api.KeySetStats(set)
	}
	for tenant, b := range now.Introspection {
		g.Backends[tenant] = api.BackendStats{Asked: b.Asked, Remembered: b.Cached, Unavailable: b.Unavailable,
			Calls: b.Calls, Failures: b.Failures, Rejected: b.Rejected, Open: b.Breaker == "open"}
	}
	return g
}

// logins counts authentications by outcome, over all tenants.
func (s *Server) logins() map[string]uint64 {
	sum := map[string]uint64{}
	for _, outcomes := range s.verifier.Stats().Outcomes {
		for outcome, count := range outcomes {
			sum[outcome] += count
		}
	}
	return sum
}
