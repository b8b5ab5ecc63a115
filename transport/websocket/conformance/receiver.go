package conformance

import (
	"context"
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"
)

// partial is a message that has not ended.
type partial struct {
	op         opcode
	compressed bool
	data       []byte
}

// receiver reads the frames of a server, checks that a server may send them, and joins fragments.
type receiver struct {
	stream  *stream
	deflate *deflate // nil unless permessage-deflate was negotiated
	partial *partial // message that the server has not finished
}

// event is a message, a pong or a close frame of the server. Pings are answered and are no events.
type event struct {
	op   opcode
	data []byte // of a close frame its reason
	code int    // of a close frame
}

// collect joins the fragments of a message (RFC 6455 section 5.4).
func (r *receiver) collect(f frame) (e event, done bool, err error) {
	switch {
	case f.op == opContinuation && r.partial == nil:
		return e, false, fail("the server sent a continuation of nothing")
	case f.op != opContinuation && r.partial != nil:
		return e, false, fail("the server began a message inside of another")
	case f.op != opContinuation:
		r.partial = &partial{op: f.op, compressed: f.rsv == rsv1}
	}
	m := r.partial
	if m.data = append(m.data, f.payload...); f.more {
		return e, false, nil
	}
	r.partial = nil
	if m.compressed {
		if m.data, err = r.deflate.inflate(m.data); err != nil {
			return e, false, fail("what the server sent does not inflate: %v", err)
		}
	}
	if m.op == opText && !utf8.Valid(m.data) {
		return e, false, fail("the server sent text that is not UTF-8: %s", show(m.data))
	}
	return event{op: m.op, data: m.data}, true, nil
}

// readFrame reads a frame and checks that a server may send it.
func (r *receiver) readFrame(ctx context.Context, deadline time.Time) (frame, error) {
	head, err := r.stream.next(ctx, 2, deadline)
	if err != nil {
		return frame{}, err
	}
	f := frame{op: opcode(head[0] & 15), more: head[0]&0x80 == 0, rsv: head[0] >> 4 & 7}
	if head[1]&0x80 != 0 {
		return f, fail("the server sent a masked frame")
	}
	n, err := r.readLength(ctx, head[1], deadline)
	if err == nil {
		err = r.allowed(f, n)
	}
	if err != nil {
		return f, unfinished(err)
	}
	if f.payload, err = r.stream.next(ctx, int(n), deadline); err != nil {
		return f, unfinished(err)
	}
	if f.op == opClose {
		err = closeAllowed(f.payload)
	}
	return f, err
}

// unfinished turns a timeout inside of a frame into a failure: the server is not merely silent.
func unfinished(err error) error {
	if errors.Is(err, errTimeout) {
		return fail("the server stopped inside of a frame")
	}
	return err
}

// readLength reads the rest of a length (RFC 6455 section 5.2), which must be in its shortest form.
func (r *receiver) readLength(ctx context.Context, second byte, deadline time.Time) (uint64, error) {
	n, more := uint64(second), 0
	switch second {
	case 126:
		more = 2
	case 127:
		more = 8
	default:
		return n, nil
	}
	b, err := r.stream.next(ctx, more, deadline)
	if err != nil {
		return 0, err
	}
	n = binary.BigEndian.Uint64(append(make([]byte, 8-more), b...))
	if shortest(n) != more*8 {
		return 0, fail("the server sent the length %d in %d bits", n, more*8)
	}
	if n > 1<<30 {
		return 0, fail("the server announced a frame of %d bytes", n)
	}
	return n, nil
}

// allowed checks a frame's head.
func (r *receiver) allowed(f frame, n uint64) error {
	_, known := opcodes[f.op]
	switch {
	case !known:
		return fail("the server sent the reserved %s", f.op)
	case f.op.control() && (f.more || n > 125):
		return fail("the server sent a fragmented or oversized %s frame", f.op)
	case f.rsv == rsv1 && r.deflate != nil && (f.op == opText || f.op == opBinary):
		return nil
	case f.rsv != 0:
		return fail("the server set the reserved bits %d on a %s frame", f.rsv, f.op)
	}
	return nil
}

// closeAllowed checks the body of a close frame (RFC 6455 sections 5.5.1 and 7.4).
func closeAllowed(body []byte) error {
	switch {
	case len(body) == 0:
		return nil
	case len(body) == 1:
		return fail("the server sent a close frame with one byte")
	case !mayBeSent(int(binary.BigEndian.Uint16(body))):
		return fail("the server sent the close code %d, which must not be sent", binary.BigEndian.Uint16(body))
	case !utf8.Valid(body[2:]):
		return fail("the server sent a close reason that is not UTF-8")
	}
	return nil
}
