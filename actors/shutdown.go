package actors

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// drain closes connections, in random order over some time, and blocks until they are gone. If ctx ends before, it cuts
// off the rest and returns the error of ctx.
func drain(ctx context.Context, all []*Conn, over time.Duration, reason protocol.Reason) error {
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	const step = 10 * time.Millisecond
	began := time.Now()
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	told := 0
	for {
		to := len(all)
		if at := time.Since(began) + step; at < over { // by the clock: a busy machine skips ticks
			// Rounded: a single connection is closed halfway.
			to = int((float64(len(all))*at.Seconds() + over.Seconds()/2) / over.Seconds())
		}
		for _, l := range all[told:to] {
			l.box.SendUnbounded(ending(reason, 0, ""))
		}
		told = to
		if !slices.ContainsFunc(all, func(l *Conn) bool { return !l.flags.has(isOut) }) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			cut(all)
			return ctx.Err()
		}
	}
}

const (
	// tellRate is how many connections a second are closed if there is time: the server to which they all go next takes
	// that many handshakes and logins beside its own work.
	tellRate = 1000

	// tellLeast is the least time over which connections are closed, even a few: their clients should not come back at
	// the same moment.
	tellLeast = time.Second
)

// paced is the time over which so many connections are closed at tellRate. It is not longer however much time there is:
// the program that runs this process may have less patience with it than it said.
func paced(count int) time.Duration {
	return max(tellLeast, time.Duration(count)*time.Second/tellRate)
}

// tellWithin is how much of the time that ctx leaves can be used to close connections. The last 2 s and a fifth of the
// rest are for closing handshakes: a machine with too little processor needs them, and a client that is cut off gets no
// word.
func tellWithin(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(0, (time.Until(deadline)-2*time.Second)*4/5)
}

func cut(all []*Conn) {
	for _, l := range all {
		l.outbox.Transport().Cut()
	}
}
