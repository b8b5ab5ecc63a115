package mailbox

// stackReserve is how much stack an actor's goroutine has from the start, in bytes: a publish needs some 4 KiB down to
// the bytes of its frames.
const stackReserve = 4 << 10

// reserveStack grows the stack of a new goroutine while it is shallow. Grown where a dialect encodes, each frame down
// to there would have to be found and adjusted: that took a sixth of the publishes of a small topic (bench/NOTES.md,
// 2026-12-01).
//
//go:noinline
func reserveStack() byte {
	var room [stackReserve]byte
	return room[touch(room[:])]
}

// touch keeps the compiler from leaving the array out.
//
//go:noinline
func touch(room []byte) int { return len(room) / 2 }
