package auth

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// alarm counts the failures of one tenant in the minute that passes.
type minuteCounter struct {
	mu     sync.Mutex
	since  time.Time // guarded by mu
	failed int       // guarded by mu
}

// window is how long an alarm counts before it starts anew.
const counterWindow = time.Minute

// count adds a failure. before is how many there were in the window that ended with this call, 0 if none ended.
func (a *minuteCounter) count(now time.Time) (failed, before int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if passed := now.Sub(a.since); passed >= counterWindow || passed < 0 {
		a.since, a.failed, before = now, 0, a.failed
	}
	a.failed++
	return a.failed, before
}

// note counts and logs an outcome. Success and, beyond WarnAfter a minute, failure are debug lines, so that nobody can
// fill a disk by failing; the failure that reaches WarnAfter is a warning, once a minute and tenant, and what follows
// in its minute is summed up in the next.
func (v *Verifier) recordOutcome(ctx context.Context, account *tenantState, tenant string, outcome Outcome,
	now time.Time) {
	account.counts[outcome].Add(1)
	if outcome.admits() {
		if v.log.Enabled(ctx, slog.LevelDebug) {
			v.logOutcome(ctx, slog.LevelDebug, "authenticated", tenant, outcome)
		}
		return
	}
	failed, before := account.failures.count(now)
	if before > v.warnAfter {
		v.logOutcome(ctx, slog.LevelWarn, "authentication failed repeatedly", tenant, outcome,
			slog.Int("failures", before))
	}
	level := slog.LevelInfo
	if failed > v.warnAfter {
		level = slog.LevelDebug
	}
	v.logOutcome(ctx, level, "authentication failed", tenant, outcome)
	if failed == v.warnAfter {
		v.logOutcome(ctx, slog.LevelWarn,
			"authentication fails repeatedly; somebody guesses, or a client or the server has old keys",
			tenant, outcome, slog.Int("failures", failed))
	}
}

// tell writes one line. A name of a tenant that comes from outside is cut and quoted; a token has no way in here.
func (v *Verifier) logOutcome(ctx context.Context, level slog.Level, message, tenant string, outcome Outcome,
	more ...slog.Attr) {
	switch {
	case tenant == UnresolvedTenant:
		tenant = "(lobby)"
	case protocol.CheckName("tenant", tenant) != nil || outcome == UnknownTenant:
		tenant = protocol.Quote(tenant)
	}
	attrs := append(make([]slog.Attr, 0, 8), slog.String("tenant", tenant), slog.String("reason", outcome.String()))
	if id := protocol.RequestID(ctx); id != "" {
		attrs = append(attrs, slog.String("request", id))
	}
	if remote, ok := ctx.Value(remoteKey{}).(netip.Addr); ok {
		attrs = append(attrs, slog.String("remote", remote.String()))
	}
	v.log.LogAttrs(ctx, level, message, append(attrs, more...)...)
}

type remoteKey struct{}

// WithRemote tells Authenticate the client's address, for its log lines. What is no IP address is left out.
func WithRemote(ctx context.Context, remote string) context.Context {
	address, err := netip.ParseAddr(remote)
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, remoteKey{}, address.WithZone(""))
}
