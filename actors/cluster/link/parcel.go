package link

import (
	"encoding/binary"
	"errors"
)

// version is the first byte of each parcel. A node ignores parcels of a version that it does not know.
const version = 1

// Limits of what goes over a link, in bytes.
const (
	// MaxFrame bounds one frame. An event has at most 64 KiB unless the operator raises that.
	MaxFrame = 512 << 10
	// MaxParcel bounds a parcel. A carrier refuses more before it reads it.
	MaxParcel = packBytes + MaxFrame + maxHeader

	// packBytes is how many bytes of frames make a parcel full.
	packBytes = 64 << 10
	maxHeader = 1 + 5*binary.MaxVarintLen64
	maxLength = 3 // of the length in front of a frame
)

// Errors of Receive. A parcel that has one changes nothing. A carrier closes a connection that brings ErrMalformed.
var (
	// ErrMalformed is the error of bytes that no node sends.
	ErrMalformed = errors.New("a parcel is malformed")
	// ErrStale is the error of a parcel from or to a process that has ended.
	ErrStale = errors.New("a parcel is of an incarnation that has ended")
)

// header is in front of the frames of a parcel.
type header struct {
	from, to uint64 // incarnations; to is 0 if the sender does not know it yet
	number   uint64 // of this parcel, or of the last one with frames if this one has none
	acked    uint64 // the highest number that the sender has received
	holes    uint64 // how often the sender found frames missing
}

func (h *header) append(b []byte) []byte {
	b = append(b, version)
	for _, n := range [...]uint64{h.from, h.to, h.number, h.acked, h.holes} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// decode returns the frames behind the header, each with its length in front; all of them are whole. They are parts of
// parcel.
func (h *header) decode(parcel []byte) (frames []byte, err error) {
	if len(parcel) == 0 || len(parcel) > MaxParcel || parcel[0] != version {
		return nil, ErrMalformed
	}
	rest := parcel[1:]
	for _, field := range [...]*uint64{&h.from, &h.to, &h.number, &h.acked, &h.holes} {
		n, size := binary.Uvarint(rest)
		if size <= 0 {
			return nil, ErrMalformed
		}
		*field, rest = n, rest[size:]
	}
	if h.from == 0 {
		return nil, ErrMalformed
	}
	for left := rest; len(left) > 0; {
		frame, behind := cut(left)
		if frame == nil {
			return nil, ErrMalformed
		}
		left = behind
	}
	return rest, nil
}

// cut takes the first frame off; it is nil if there is no whole one.
func cut(frames []byte) (frame, rest []byte) {
	n, size := binary.Uvarint(frames)
	if size <= 0 || n == 0 || n > MaxFrame || n > uint64(len(frames)-size) {
		return nil, nil
	}
	end := size + int(n)
	return frames[size:end:end], frames[end:]
}
