package websocket

import (
	"encoding/binary"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// guard is the frame validator before gws: it follows the frame boundaries of what a client sends and finds the first
// frame that must not reach gws. The socket's reader owns it.
type guard struct {
	limits  *frameLimits
	deflate bool // permessage-deflate was negotiated: RSV1 may be set on a message's first frame

	inMessage bool // a fragmented message is unfinished
	closed    bool // a close frame has begun; gws reads nothing after it
	headBytes uint8
	head      [10]byte // a header that the end of a read cuts; headBytes of it are there
	fragments uint32   // of the current message
	messages  uint32   // messages and lone control frames so far, to tell one unfinished message from the next
	size      uint64   // payload bytes of the current message
	remaining uint64   // mask and payload bytes still to come of the current frame

	text utf8Validator

	controls      uint32 // control frames in the second controlSecond
	controlSecond int64
}

// frameLimits are what a dialect allows. Its sockets share them.
type frameLimits struct {
	message   uint64 // bytes
	fragments uint32 // per message, beside one for every fragmentBytes
	controls  uint32 // per second
}

// fragmentBytes is how many bytes the fragments of a message have to carry on average, beyond those that frameLimits
// allow in any case: a fragment costs us as much as a message does, but no limit of messages counts it. Autobahn sends
// 4 MiB in fragments of 64 bytes.
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

// scan follows b and returns how many bytes of it may be passed on: all, or those before the first bad frame. The start
// of a header that the end of b cuts is passed on: gws cannot act on half a header.
func (g *guard) scan(b []byte) (int, *fault) {
	for i := 0; i < len(b); {
		if g.closed && g.headBytes == 0 {
			break
		}
		if g.remaining > 0 {
			step := int(min(g.remaining, uint64(len(b)-i)))
			if g.text.follows {
				if good := g.text.scan(b[i : i+step]); good < step {
					return i + good, badText
				}
			}
			g.remaining -= uint64(step)
			i += step
			continue
		}
		if g.headBytes == 0 && len(b)-i >= 10 {
			length, bad := g.wholeHeader(b[i : i+10])
			if bad != nil {
				return i, bad
			}
			i += length
			continue
		}
		taken, bad := g.collectHeader(b[i:])
		if bad != nil {
			return i, bad
		}
		i += taken
	}
	return len(b), nil
}

// collectHeader takes a header byte by byte until it is whole, and judges it.
func (g *guard) collectHeader(b []byte) (taken int, bad *fault) {
	for _, c := range b {
		g.head[g.headBytes] = c
		g.headBytes++
		taken++
		if g.headBytes == 2 {
			if bad := g.firstBytes(g.head[0], g.head[1]); bad != nil {
				return 0, bad
			}
		}
		if g.headBytes >= 2 && int(g.headBytes) == headLength(g.head[1]) {
			g.headBytes = 0
			return taken, g.frameLength(g.head[:])
		}
	}
	return taken, nil
}

// wholeHeader judges the header at the start of b, which has at least ten bytes, and returns its length.
func (g *guard) wholeHeader(b []byte) (length int, bad *fault) {
	if bad := g.firstBytes(b[0], b[1]); bad != nil {
		return 0, bad
	}
	return headLength(b[1]), g.frameLength(b)
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

// firstBytes judges a frame's first two bytes.
func (g *guard) firstBytes(first, second byte) *fault {
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
		g.messages++
		g.text.begin(op == 1 && rsv == 0)
	}
	if g.fragments++; uint64(g.fragments) > uint64(g.limits.fragments)+g.size/fragmentBytes {
		return tooFragmented
	}
	g.text.frame(true)
	g.inMessage = !fin
	return nil
}

// control judges the first two bytes of a control frame.
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
	if g.controls++; g.controls > g.limits.controls {
		return tooManyControls
	}
	if !g.inMessage {
		g.messages++
	}
	g.text.frame(false)
	g.closed = op == 8
	return nil
}

// frameLength judges the length in a whole header and notes how much of the frame is to come.
func (g *guard) frameLength(head []byte) *fault {
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
		if n > g.limits.message || g.size+n > g.limits.message {
			return tooLarge
		}
		g.size += n
	}
	g.remaining = n + 4
	return nil
}

// midway reports whether a message or frame is unfinished.
func (g *guard) midway() bool { return g.inMessage || g.remaining > 0 || g.headBytes > 0 }
