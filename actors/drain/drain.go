package drain

import (
	"context"
	"time"
)

const (
	// Rate is how many a second are told if there is time: the server to which they all go next takes that many
	// handshakes and logins beside its own work.
	Rate = 1000

	// least is the least time over which some are told, even a few: they should not come back at the same moment.
	least = time.Second

	// step is how often some are told.
	step = 10 * time.Millisecond
)

// Over calls tell for each number below count, evenly spread over a time, and blocks until gone reports true. If ctx
// ends before, it returns the error of ctx.
func Over(ctx context.Context, count int, over time.Duration, tell func(int), gone func() bool) error {
	began := time.Now()
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for told := 0; ; {
		to := count
		if at := time.Since(began) + step; at < over { // by the clock: a busy machine skips ticks
			// Rounded: a single one is told halfway.
			to = int((float64(count)*at.Seconds() + over.Seconds()/2) / over.Seconds())
		}
		for ; told < to; told++ {
			tell(told)
		}
		if gone() {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Time is the time over which so many are told at Rate. It is not longer however much time there is: the program that
// runs this process may have less patience with it than it said.
func Time(count int) time.Duration { return max(least, time.Duration(count)*time.Second/Rate) }

// Within is how much of the time that ctx leaves can be used to tell, 0 without a deadline. The last 2 s and a fifth of
// the rest are for closing handshakes: a machine with too little processor needs them, and a client that is cut off
// gets no word.
func Within(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(0, (time.Until(deadline)-2*time.Second)*4/5)
}
