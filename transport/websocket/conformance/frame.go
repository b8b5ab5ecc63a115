package conformance

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// opcode says what a frame is (RFC 6455 section 11.8).
type opcode byte

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
)

var opcodes = map[opcode]string{
	opContinuation: "continuation", opText: "text", opBinary: "binary",
	opClose: "close", opPing: "ping", opPong: "pong",
}

func (op opcode) String() string {
	if name, ok := opcodes[op]; ok {
		return name
	}
	return fmt.Sprintf("opcode %#x", byte(op))
}

func (op opcode) control() bool { return op >= opClose }

// rsv1 marks a compressed message (RFC 7692 section 6).
const rsv1 = 4

// frame is one frame from the client: well-formed, until a method below makes it break a rule.
type frame struct {
	op         opcode
	payload    []byte
	more       bool     // FIN is not set
	rsv        byte     // the three reserved bits
	naked      bool     // not masked
	key        *[4]byte // nil is a random one
	claim      *uint64  // the length that the header announces, if it is wrong
	form       int      // 7, 16 or 64 bits of length; 0 is the shortest
	compressed bool     // the payload is deflated when it is sent, as the connection has negotiated
}

func text(s string) frame                     { return frame{op: opText, payload: []byte(s)} }
func ping(payload []byte) frame               { return frame{op: opPing, payload: payload} }
func continuation(s string) frame             { return frame{op: opContinuation, payload: []byte(s)} }
func message(op opcode, payload []byte) frame { return frame{op: op, payload: payload} }

// closing is a close frame; code noStatus leaves its body empty.
func closing(code int, reason string) frame {
	return frame{op: opClose, payload: closeBody(code, reason)}
}

func closeBody(code int, reason string) []byte {
	if code == noStatus {
		return nil
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

func (f frame) unfinished() frame            { f.more = true; return f }
func (f frame) reserved(bits byte) frame     { f.rsv = bits; return f }
func (f frame) unmasked() frame              { f.naked = true; return f }
func (f frame) keyed(key [4]byte) frame      { f.key = &key; return f }
func (f frame) claiming(length uint64) frame { f.claim = &length; return f }
func (f frame) lengthIn(bits int) frame      { f.form = bits; return f }
func (f frame) deflated() frame              { f.compressed = true; f.rsv |= rsv1; return f }
func (f frame) is(op opcode, data []byte) bool {
	return f.op == op && string(f.payload) == string(data)
}

// append adds the frame's bytes to b.
func (f frame) append(b []byte) []byte {
	first, mask := byte(f.op)|f.rsv<<4, byte(0x80)
	if !f.more {
		first |= 0x80
	}
	if f.naked {
		mask = 0
	}
	b = f.appendLength(append(b, first), mask)
	if f.naked {
		return append(b, f.payload...)
	}
	var key [4]byte
	if f.key != nil {
		key = *f.key
	} else {
		rand.Read(key[:])
	}
	b = append(b, key[:]...)
	start := len(b)
	b = append(b, f.payload...)
	masked(b[start:], key)
	return b
}

// masked masks or unmasks b (RFC 6455 section 5.3).
func masked(b []byte, key [4]byte) {
	const step = 1 << 10
	mask := bytes.Repeat(key[:], step/len(key))
	for ; len(b) > 0; b = b[min(step, len(b)):] {
		subtle.XORBytes(b, b, mask)
	}
}

func (f frame) appendLength(b []byte, mask byte) []byte {
	n := uint64(len(f.payload))
	if f.claim != nil {
		n = *f.claim
	}
	form := f.form
	if form == 0 {
		form = shortest(n)
	}
	switch form {
	case 7:
		return append(b, mask|byte(n))
	case 16:
		return binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, mask|127), n)
}

// shortest is how many bits of length a payload needs.
func shortest(n uint64) int {
	switch {
	case n < 126:
		return 7
	case n < 1<<16:
		return 16
	}
	return 64
}

// bytesOf are the bytes of frames, one after the other.
func bytesOf(frames ...frame) (b []byte) {
	for _, f := range frames {
		b = f.append(b)
	}
	return b
}

// fragments is a message in pieces of size bytes; of an empty message there is one.
func fragments(op opcode, payload []byte, size int) []frame {
	var all []frame
	for _, piece := range pieces(payload, size) {
		all = append(all, frame{op: opContinuation, payload: piece, more: true})
	}
	return chain(op, all)
}

// chain makes frames the fragments of one message.
func chain(op opcode, frames []frame) []frame {
	frames[0].op = op
	frames[len(frames)-1].more = false
	return frames
}

// pieces cuts b; there is always at least one.
func pieces(b []byte, size int) [][]byte {
	all := [][]byte{b[:min(size, len(b))]}
	for i := size; i < len(b); i += size {
		all = append(all, b[i:min(i+size, len(b))])
	}
	return all
}

// show is the beginning of b, for people.
func show(b []byte) string {
	const most = 24
	if len(b) > most {
		return fmt.Sprintf("%x... (%d bytes)", b[:most], len(b))
	}
	return fmt.Sprintf("%x (%d bytes)", b, len(b))
}
