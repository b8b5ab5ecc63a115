package server

import (
	"github.com/parley-realtime/parley/cmd/parley/logline"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
)

// metrics are those that the API cannot know by itself.
type metrics struct {
	verifier *auth.Verifier
	cert     *certificate
	lost     func() logline.Lost // lines of the log; nil if nobody counts
}

// process returns those of the process around the engine.
func (m metrics) process() api.ProcessStats {
	p := api.ProcessStats{Certificate: m.cert.expiry()}
	if m.lost != nil {
		lost := m.lost()
		p.LogFull, p.LogFailed = lost.Full, lost.Failed
	}
	return p
}

// auth returns those of the verifier.
func (m metrics) auth() api.AuthStats {
	now := m.verifier.Stats()
	all := api.AuthStats{Tickets: now.Tickets, TicketsLost: now.TicketsLost, Revocations: now.Revocations,
		RevocationsLost: now.Forgotten,
		Signatures: api.SignatureStats{Waiting: now.Signatures.Waiting,
			Checked: now.Signatures.Served, Refused: now.Signatures.Refused, Waited: now.Signatures.Waited},
		RevocationsNotKept: now.NotKept, Backends: map[string]api.BackendStats{}, KeySets: map[string]api.KeySetStats{}}
	for tenant, set := range now.KeySets {
		all.KeySets[tenant] = api.KeySetStats(set)
	}
	for tenant, b := range now.Introspection {
		all.Backends[tenant] = api.BackendStats{Asked: b.Asked, Remembered: b.Cached, Unavailable: b.Unavailable,
			Calls: b.Calls, Failures: b.Failures, Rejected: b.Rejected, Open: b.Breaker == "open"}
	}
	return all
}

// logins counts authentications by outcome, over all tenants.
func (m metrics) logins() map[string]uint64 {
	sum := map[string]uint64{}
	for _, outcomes := range m.verifier.Stats().Outcomes {
		for outcome, count := range outcomes {
			sum[outcome] += count
		}
	}
	return sum
}
