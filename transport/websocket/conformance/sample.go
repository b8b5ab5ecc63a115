package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"unicode/utf8"
)

// The payloads of messages. The same size and seed always make the same bytes.

const sampleBlock = 128 << 10 // bytes that are made once and repeated

var words = []string{"channel", "presence", "ąęśćż", "publish", "offset", "naïve", "日本語", "token",
	"42", "room:1", "✓", "ok"}

var proseBlock = sync.OnceValue(func() (b []byte) {
	random := rand.New(rand.NewPCG(1, 6455))
	for len(b) < sampleBlock {
		b = append(append(b, words[random.IntN(len(words))]...), ' ')
	}
	return b
})

// prose is valid UTF-8 that compresses well, of exactly n bytes.
func prose(n int) []byte {
	b := repeated(proseBlock(), n)
	end := len(b)
	for end > 0 && !utf8.RuneStart(b[end-1]) {
		end--
	}
	if end > 0 && !utf8.FullRune(b[end-1:]) { // the last word was cut inside of a character
		b = append(b[:end-1], bytes.Repeat([]byte("."), len(b)-end+1)...)
	}
	return b
}

var jsonBlock = sync.OnceValue(func() (b []byte) {
	random := rand.New(rand.NewPCG(2, 6455))
	for len(b) < sampleBlock {
		b = fmt.Appendf(b, `{"id":%d,"channel":"room:%d","value":%.4f,"tags":["a","b"]},`,
			random.IntN(1e6), random.IntN(50), random.Float64())
	}
	return b
})

// jsonish is JSON as in much of the traffic, cut to n bytes.
func jsonish(n int) []byte { return repeated(jsonBlock(), n) }

// repeated is n bytes of blocks.
func repeated(block []byte, n int) []byte {
	b := make([]byte, 0, n)
	for len(b) < n {
		b = append(b, block[:min(len(block), n-len(b))]...)
	}
	return b
}

// noise does not compress.
func noise(n int) []byte { return noiseFrom(3, n) }

func noiseFrom(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b)
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
