package actors

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// drain closes connections, in random order over some time, and waits until they are gone. If ctx ends before, it cuts off
// the rest and returns its error.
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
			to = int((float64(len(all))*at.Seconds() + over.Seconds()/2) / over.Seconds()) // rounded: one alone is told halfway
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
	// tellRate is how many connections a second are told to end if there is time: a server to which they all go next takes as
	// many handshakes and logins beside its own work.
	tellRate = 1000

	// tellLeast is over how long even a few are told: their clients are not to come back at the same moment.
	tellLeast = time.Second
)

// paced is over how long so many connections are told to end by the rate, and not longer, however much time there is: whoever
// runs this process may have less patience with it than it was told.
func paced(count int) time.Duration {
	return max(tellLeast, time.Duration(count)*time.Second/tellRate)
}

// tellWithin is over how much of the time that ctx leaves connections can be told to end. The last 2 s and a fifth of the rest
// are for closing handshakes: a machine with too little processor needs them, and who is cut off has not heard a word.
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

// This is the end of what lifecycles tell: all that has happened is told before they end.
