package timer

import (
	"math/bits"
	"time"
)

// turnsApart is how far the turns of NextTurn are apart where there are many: one wake-up of the wheel serves all that
// have the same one.
const turnsApart = 100 * time.Millisecond

// NextTurn returns when the turn of a number comes next after now, both as Wheel.Since measures them. It comes once in
// each interval, at a phase that follows from the number alone: however many numbers begin at the same moment, their
// turns are spread evenly over the interval, and they stay so after the process has slept.
func NextTurn(number uint64, every time.Duration, now int64) int64 {
	// Multiples of the golden ratio, modulo 1, lie apart evenly for any run of numbers.
	const golden = 0x9e3779b97f4a7c15 // times 2^-64
	phase, _ := bits.Mul64(number*golden, uint64(every))
	if every >= 10*turnsApart {
		phase -= phase % uint64(turnsApart)
	}
	at := now - now%int64(every) + int64(phase)
	if at <= now {
		at += int64(every)
	}
	return at
}
