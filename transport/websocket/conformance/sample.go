package conformance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"unicode/utf8"
)

// What messages are made of. The same size and seed always make the same bytes.

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 6455)) }

var words = []string{"channel", "presence", "ąęśćż", "publish", "offset", "naïve", "日本語", "token", "42", "room:1", "✓", "ok"}

// prose is valid UTF-8 that compresses well, of exactly n bytes.
func prose(n int) []byte {
	random, b := source(1), make([]byte, 0, n+16)
	for len(b) < n {
		b = append(append(b, words[random.IntN(len(words))]...), ' ')
	}
	b = b[:n]
	for len(b) > 0 && !utf8.Valid(b) { // the last word was cut inside of a character
		b = b[:len(b)-1]
	}
	return append(b, bytes.Repeat([]byte("."), n-len(b))...)
}

// jsonish is what much of the traffic looks like, cut to n bytes.
func jsonish(n int) []byte {
	random, b := source(2), make([]byte, 0, n+100)
	b = append(b, '[')
	for len(b) < n {
		b = fmt.Appendf(b, `{"id":%d,"channel":"room:%d","value":%.4f,"tags":["a","b"]},`,
			random.IntN(1e6), random.IntN(50), random.Float64())
	}
	return b[:n]
}

// noise does not compress.
func noise(n int) []byte { return noiseFrom(3, n) }

func noiseFrom(seed uint64, n int) []byte {
	random, b := source(seed), make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// zeros compress as nothing else does.
func zeros(n int) []byte { return make([]byte, n) }

// sample is a payload that fits an opcode.
func sample(op opcode, n int) []byte {
	if op == opText {
		return prose(n)
	}
	return noise(n)
}
