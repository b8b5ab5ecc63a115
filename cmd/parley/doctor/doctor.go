// Package doctor looks for what keeps a server from serving well: in the machine, in the proxy before it, and in the
// services around it. Each check says what it looked at, what it measured, what is wanted, and the command or setting
// that repairs it.
//
// It changes nothing that stays: it opens connections, publishes to a topic of its own, sends a webhook a batch without
// events, and writes a file that it removes. A check that lacks something (a token, a key, a configuration) is skipped
// and says what it lacks; one that could not look says why. The machine is the one where it runs, which should be the
// server's; the proxy is what stands between it and the server.
package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
)

// Verdict is what a check came to.
type Verdict string

// The verdicts.
const (
	Well    Verdict = "well"
	Wrong   Verdict = "wrong"
	Unknown Verdict = "unknown" // could not look
	Skipped Verdict = "skipped" // does not apply, or was not asked for
)

// Finding is the outcome of a check. Fix is a command or a setting, "" if nothing is wrong.
type Finding struct {
	Check    string  `json:"check"`
	Verdict  Verdict `json:"verdict"`
	What     string  `json:"what"`
	Measured string  `json:"measured"`
	Wanted   string  `json:"wanted,omitempty"`
	Fix      string  `json:"fix,omitempty"`
}

// Setup is what is looked at. Zero fields leave out the checks that need them.
type Setup struct {
	// Root is where the kernel's files are, "/" but in tests.
	Root string
	// API is the server, with a tenant's key if there is one; Token is what clients show there. TokenMade says that the
	// token is a guess, so that a refusal says nothing.
	API       client.API
	Token     string
	TokenMade bool
	Dialects  client.Dialects
	// Roots are the certificate authorities that are believed; nil are the system's.
	Roots *x509.CertPool
	// Idle is how long a silent connection must live, 0 for not looking. It has to be longer than pings are apart,
	// by engine.ping_every.
	Idle time.Duration
	// Promptly is how soon an event has to come out of a stream, half of what is waited for; 0 is 2s.
	Promptly time.Duration
	// Data is the data directory; Sync writes something in it to the disk, which takes so long. nil does it.
	Data string
	Sync func(dir string) (time.Duration, error)
	// MemoryLimit is how many bytes the server may use, and who says so; nil if nobody knows.
	MemoryLimit func() (bytes int64, from string)
	// KeySets is how many key sets have a URL, and ProbeKeySets what is wrong with them now.
	KeySets      int
	ProbeKeySets func(context.Context) []string
	// Webhooks are the backends that hear what clients do, by tenant.
	Webhooks map[string]func(context.Context) error
}

// check is one of the checks: a name, what it looks at, what it wants, and how to repair it.
type check struct {
	name, what, wanted, fix string
	look                    func(context.Context, *Setup) outcome
}

// outcome is a verdict and what was measured; a fix of its own wins over the check's.
type outcome struct {
	verdict       Verdict
	measured, fix string
}

func well(measured string) outcome    { return outcome{verdict: Well, measured: measured} }
func wrong(measured string) outcome   { return outcome{verdict: Wrong, measured: measured} }
func unknown(cause string) outcome    { return outcome{verdict: Unknown, measured: cause} }
func skipped(lack string) outcome     { return outcome{verdict: Skipped, measured: lack} }
func judge(ok bool, m string) outcome { return map[bool]outcome{true: well(m), false: wrong(m)}[ok] }

// checks are all, in the order of the report.
var checks = []check{
	descriptors, somaxconn, tcpMemory, clock, certificate, alpn, upgrade, forwarded, idle, buffering, token, keySets,
	webhooks, fsync, memoryLimit,
}

// Names are those of all checks.
func Names() (all []string) {
	for _, c := range checks {
		all = append(all, c.name)
	}
	return all
}

// patience bounds a check, and Setup.Idle for the one that waits.
const patience = 10 * time.Second

// Look makes all checks at once, or those of some names. It blocks for some seconds, or Setup.Idle.
func Look(ctx context.Context, s *Setup, names ...string) []Finding {
	found := make([]Finding, 0, len(checks))
	var looking sync.WaitGroup
	for _, c := range checks {
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		found = append(found, Finding{Check: c.name, What: c.what, Wanted: c.wanted})
		into := &found[len(found)-1] // which does not move: there is room for all
		looking.Go(func() {
			bounded, cancel := context.WithTimeout(ctx, patience+s.Idle)
			defer cancel()
			made := c.look(bounded, s)
			if into.Verdict, into.Measured = made.verdict, made.measured; made.verdict == Wrong {
				into.Fix = cmp.Or(made.fix, c.fix)
			}
		})
	}
	looking.Wait()
	return found
}

// Count is how many findings have a verdict.
func Count(all []Finding, v Verdict) (n int) {
	for _, f := range all {
		if f.Verdict == v {
			n++
		}
	}
	return n
}
