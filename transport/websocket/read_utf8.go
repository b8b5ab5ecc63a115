package websocket

import (
	"encoding/binary"
	"math/bits"
)

// utf8Validator follows the payload of a text message that is not compressed, and finds the byte that cannot be UTF-8,
// however long the message goes on. gws does the rest: it checks a compressed message when it is whole, and finds a
// message that ends inside a character.
type utf8Validator struct {
	checked bool // the message is to be checked
	follows bool // the current frame is part of it: control frames may come in between
	need    uint8
	low     uint8 // the next byte of a character, of which need bytes are missing, is one of low to high
	high    uint8
	masked  uint8  // bytes of the mask that have come
	mask    uint32 // of the current frame, turned so that its lowest byte is that of the payload's next
}

// begin starts a message.
func (v *utf8Validator) begin(checked bool) { v.checked, v.need = checked, 0 }

// frame starts a frame, of the message or not.
func (v *utf8Validator) frame(ofMessage bool) { v.follows, v.masked = v.checked && ofMessage, 0 }

// scan follows what comes after a frame's header: its mask, then the payload. It returns how many bytes of b may be
// text.
func (v *utf8Validator) scan(b []byte) (good int) {
	for ; v.masked < 4 && good < len(b); good++ {
		v.mask = v.mask>>8 | uint32(b[good])<<24
		v.masked++
	}
	for good < len(b) {
		if v.need == 0 {
			good += v.skipASCII(b[good:])
			if good == len(b) {
				break
			}
		}
		if !v.step(b[good] ^ byte(v.mask)) {
			return good
		}
		v.mask = bits.RotateLeft32(v.mask, -8)
		good++
	}
	return good
}

// skipASCII returns how many bytes at the start of b are ASCII, in steps of eight.
func (v *utf8Validator) skipASCII(b []byte) int {
	const high = 0x8080808080808080
	mask, had := uint64(v.mask)<<32|uint64(v.mask), len(b)
	for ; len(b) >= 32; b = b[32:] {
		w, x := binary.LittleEndian.Uint64(b)^mask, binary.LittleEndian.Uint64(b[8:])^mask
		y, z := binary.LittleEndian.Uint64(b[16:])^mask, binary.LittleEndian.Uint64(b[24:])^mask
		if (w|x|y|z)&high != 0 {
			break
		}
	}
	for len(b) >= 8 && (binary.LittleEndian.Uint64(b)^mask)&high == 0 {
		b = b[8:]
	}
	return had - len(b)
}

// step takes the next byte (RFC 3629 section 4). It reports false if no character can continue with it.
func (v *utf8Validator) step(c byte) bool {
	if v.need > 0 {
		if c < v.low || c > v.high {
			return false
		}
		v.need--
		v.low, v.high = 0x80, 0xbf
		return true
	}
	v.low, v.high = 0x80, 0xbf
	switch {
	case c < 0x80:
	case c < 0xc2:
		return false
	case c < 0xe0:
		v.need = 1
	case c < 0xf0:
		v.need = 2
		if c == 0xe0 {
			v.low = 0xa0 // less would be a longer form of something shorter
		} else if c == 0xed {
			v.high = 0x9f // more would be a surrogate
		}
	case c < 0xf5:
		v.need = 3
		if c == 0xf0 {
			v.low = 0x90
		} else if c == 0xf4 {
			v.high = 0x8f // more would be beyond U+10FFFF
		}
	default:
		return false
	}
	return true
}
