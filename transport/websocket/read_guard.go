package websocket

import (
	"encoding/binary"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// guard follows the frame boundaries of what a client sends and finds the first frame that must not reach gws. Only the socket's
// reader uses it.
type guard struct {
	bounds  *bounds
	deflate bool // permessage-deflate was negotiated: RSV1 may be set on a message's first frame

	inMessage bool // a fragmented message is unfinished
	closed    bool // a close frame has begun; gws reads it and nothing behind it
	have      uint8
	head      [10]byte // a header that is cut by the end of a read; have bytes of it are there
	fragments uint32   // of the current message
	started   uint32   // messages and lone control frames so far, to tell one unfinished message from the next
	size      uint64   // payload bytes of the current message
	skip      uint64   // mask and payload bytes still to come of the current frame

	text utf8Validator

	controls      uint32 // control frames in the second controlSecond
	controlSecond int64
}

// bounds are what a dialect allows, shared by its sockets.
type bounds struct {
	message   uint64 // bytes
	fragments uint32 // per message, beside one for every fragmentBytes
	controls  uint32 // per second
}

// fragmentBytes is how much the fragments of a message have to carry on average, beyond those that bounds allow in any
// case: a fragment costs us as much as a message does, but no limit of messages counts it. Autobahn sends 4 MiB in
// fragments of 64 bytes.
const fragmentBytes = 4

// fault is how a client broke the protocol.
type fault struct {
	code   uint16
	detail string
	reason protocol.Reason
}

var (
	unmasked        = &fault{1002, "frames from a client must be masked", protocol.Malformed}
	reservedBits    = &fault{1002, "reserved bits are set", protocol.Malformed}
	reservedOpcode  = &fault{1002, "reserved opcode", protocol.Malformed}
	badControl      = &fault{1002, "control frames have at most 125 bytes and no fragments", protocol.Malformed}
	strayFragment   = &fault{1002, "continuation without a message", protocol.Malformed}
	insideMessage   = &fault{1002, "message inside a message", protocol.Malformed}
	badLength       = &fault{1002, "length not in its shortest form", protocol.Malformed}
	topBit          = &fault{1002, "length with its top bit set", protocol.Malformed}
	tooLarge        = &fault{1009, "message too large", protocol.TooLarge}
	tooFragmented   = &fault{1008, "too many fragments", protocol.TooMany}
	badText         = &fault{1007, "text is not UTF-8", protocol.Malformed}
	tooManyControls = &fault{1008, "too many control frames", protocol.RateLimited}
	unfinished      = &fault{1008, "message not finished in time", protocol.Silent}
)

// scan follows b and returns how much of it may be passed on: all of it, or what lies in front of the first bad frame. The first
// part of a header that is cut by the end of b is passed on: nobody can act on half a header.
func (g *guard) scan(b []byte) (int, *fault) {
	for i := 0; i < len(b); {
		if g.closed && g.have == 0 {
			break
		}
		if g.skip > 0 {
			step := int(min(g.skip, uint64(len(b)-i)))
			if g.text.follows {
				if good := g.text.scan(b[i : i+step]); good < step {
					return i + good, badText
				}
			}
			g.skip -= uint64(step)
			i += step
			continue
		}
		if g.have == 0 && len(b)-i >= 10 {
			length, bad := g.frame(b[i : i+10])
			if bad != nil {
				return i, bad
			}
			i += length
			continue
		}
		taken, bad := g.gather(b[i:])
		if bad != nil {
			return i, bad
		}
		i += taken
	}
	return len(b), nil
}

// gather collects a header byte by byte until it is whole.
func (g *guard) gather(b []byte) (taken int, bad *fault) {
	for _, c := range b {
		g.head[g.have] = c
		g.have++
		taken++
		if g.have == 2 {
			if bad := g.start(g.head[0], g.head[1]); bad != nil {
				return 0, bad
			}
		}
		if g.have >= 2 && int(g.have) == headLength(g.head[1]) {
			g.have = 0
			return taken, g.length(g.head[:])
		}
	}
	return taken, nil
}

// frame judges the header at the start of b, of which at least ten bytes are there, and returns its length.
func (g *guard) frame(b []byte) (length int, bad *fault) {
	if bad := g.start(b[0], b[1]); bad != nil {
		return 0, bad
	}
	return headLength(b[1]), g.length(b)
}

// headLength is the length of a header without its mask.
func headLength(second byte) int {
	switch second & 127 {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

// start judges a frame's first two bytes.
func (g *guard) start(first, second byte) *fault {
	fin, rsv, op := first&0x80 != 0, first>>4&7, first&15
	switch {
	case second&0x80 == 0:
		return unmasked
	case rsv != 0 && !(rsv == 4 && g.deflate && (op == 1 || op == 2)):
		return reservedBits
	case op >= 8:
		return g.control(fin, op, second&127)
	case op > 2:
		return reservedOpcode
	case op == 0 && !g.inMessage:
		return strayFragment
	case op != 0 && g.inMessage:
		return insideMessage
	}
	if op != 0 {
		g.fragments, g.size = 0, 0
		g.started++
		g.text.begin(op == 1 && rsv == 0)
	}
	if g.fragments++; uint64(g.fragments) > uint64(g.bounds.fragments)+g.size/fragmentBytes {
		return tooFragmented
	}
	g.text.frame(true)
	g.inMessage = !fin
	return nil
}

func (g *guard) control(fin bool, op, length byte) *fault {
	if op > 10 {
		return reservedOpcode
	}
	if !fin || length > 125 {
		return badControl
	}
	if second := time.Now().Unix(); second != g.controlSecond {
		g.controlSecond, g.controls = second, 0
	}
	if g.controls++; g.controls > g.bounds.controls {
		return tooManyControls
	}
	if !g.inMessage {
		g.started++
	}
	g.text.frame(false)
	g.closed = op == 8
	return nil
}

// length judges a whole header's length and notes how much of the frame is to come.
func (g *guard) length(head []byte) *fault {
	n := uint64(head[1] & 127)
	switch n {
	case 126:
		if n = uint64(binary.BigEndian.Uint16(head[2:])); n < 126 {
			return badLength
		}
	case 127:
		n = binary.BigEndian.Uint64(head[2:])
		if n>>63 != 0 {
			return topBit
		}
		if n < 1<<16 {
			return badLength
		}
	}
	if head[0]&15 < 8 {
		if n > g.bounds.message || g.size+n > g.bounds.message {
			return tooLarge
		}
		g.size += n
	}
	g.skip = n + 4
	return nil
}

// midway reports whether a message or frame is unfinished.
func (g *guard) midway() bool { return g.inMessage || g.skip > 0 || g.have > 0 }
