package recorder

import "math"

// lastFrames is how many messages a connection remembers. It is a power of two.
const lastFrames = 4

// Last are the kinds and sizes of the last messages of a client, without their content: twice the size, and one more
// for binary.
type Last [lastFrames]uint32

// Set notes a message: which one it is, counted from 0, its kind and its bytes. It allocates nothing.
func (l *Last) Set(number uint64, binary bool, bytes int) {
	packed := uint32(min(bytes, math.MaxInt32)) << 1
	if binary {
		packed++
	}
	l[number%lastFrames] = packed
}

// Frame is what is remembered of a frame.
type Frame struct {
	Kind  string // text or binary
	Bytes int    // of its payload
}

// Frames are those that are remembered, oldest first, when so many have passed.
func (l *Last) Frames(passed uint64) (frames []Frame) {
	for i := passed - min(passed, lastFrames); i < passed; i++ {
		packed := l[i%lastFrames]
		frames = append(frames, Frame{[...]string{"text", "binary"}[packed&1], int(packed >> 1)})
	}
	return frames
}
