package auth

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// minuteCounter counts what happens within a minute.
type minuteCounter struct {
	mu    sync.Mutex
	since time.Time // guarded by mu
	n     int       // guarded by mu
}

// count adds one. before is the count of the minute that ended with this call, 0 if none ended.
func (c *minuteCounter) count(now time.Time) (n, before int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed := now.Sub(c.since); passed >= time.Minute || passed < 0 {
		c.since, c.n, before = now, 0, c.n
	}
	c.n++
	return c.n, before
}

// outcomeLog counts and logs the outcomes of authentications.
type outcomeLog struct {
	log       *slog.Logger
	warnAfter int // failures of one tenant in a minute
}

// record counts and logs an outcome, unless it is the answer to a question. Successes are debug lines, and so are
// failures beyond warnAfter a minute,
// so that nobody can fill a disk by failing. The failure that reaches warnAfter is a warning, once a minute for each
// tenant; a line in the next minute sums up those that followed.
func (l *outcomeLog) record(
	ctx context.Context, state *tenantState, tenant string, outcome Outcome, a *attempt,
) {
	if a.asked != nil {
		return
	}
	state.counts[outcome].Add(1)
	if outcome.admits() {
		if l.log.Enabled(ctx, slog.LevelDebug) {
			l.write(ctx, slog.LevelDebug, "authenticated", tenant, outcome)
		}
		return
	}
	failed, before := state.failures.count(a.now)
	if before > l.warnAfter {
		l.write(ctx, slog.LevelWarn, "authentication failed repeatedly", tenant, outcome,
			slog.Int("failures", before))
	}
	level := slog.LevelInfo
	if failed > l.warnAfter {
		level = slog.LevelDebug
	}
	l.write(ctx, level, "authentication failed", tenant, outcome)
	if failed == l.warnAfter {
		l.write(ctx, slog.LevelWarn,
			"authentication fails repeatedly; somebody guesses, or a client or the server has old keys",
			tenant, outcome, slog.Int("failures", failed))
	}
}

// write writes one line. It shortens and quotes a tenant's name that comes from outside; a token cannot get in
// here.
func (l *outcomeLog) write(
	ctx context.Context, level slog.Level, message, tenant string, outcome Outcome, more ...slog.Attr,
) {
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
	l.log.LogAttrs(ctx, level, message, append(attrs, more...)...)
}

type remoteKey struct{}

// WithRemote hands the client's address to Authenticate, for its log lines. It ignores what is no IP address.
func WithRemote(ctx context.Context, remote string) context.Context {
	address, err := netip.ParseAddr(remote)
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, remoteKey{}, address.WithZone(""))
}
