package conformance

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// receive waits for the next event. The error is errTimeout or errDropped if none came.
func (p *peer) receive(patience time.Duration) (event, error) {
	deadline := time.Now().Add(patience)
	for {
		f, err := p.readFrame(p.ctx, deadline)
		if err != nil {
			return event{}, err
		}
		switch {
		case f.op == opPing:
			if err := p.send(message(opPong, f.payload)); err != nil && !errors.Is(err, errDropped) {
				return event{}, err
			}
		case f.op == opPong:
			return event{op: opPong, data: f.payload}, nil
		case f.op == opClose && len(f.payload) == 0:
			return event{op: opClose, code: noStatus}, nil
		case f.op == opClose:
			return event{op: opClose, code: int(binary.BigEndian.Uint16(f.payload)), data: f.payload[2:]}, nil
		default:
			if e, done, err := p.collect(f); done || err != nil {
				return e, err
			}
		}
	}
}

// want waits for an event, which what names; it turns silence and an end into failures.
func (p *peer) want(what string, patience time.Duration) (event, error) {
	e, err := p.receive(patience)
	switch {
	case errors.Is(err, errTimeout):
		return e, fail("the server was silent, wanted %s", what)
	case errors.Is(err, errDropped):
		return e, fail("the connection was dropped, wanted %s", what)
	}
	return e, err
}

// refusal waits for the close frame of a violation; it returns which of the messages before were not echoed.
func (p *peer) refusal(patience time.Duration, codes []int, before []frame) ([]frame, error) {
	if patience == 0 {
		patience = p.Timeout
	}
	for {
		e, err := p.receive(patience)
		switch {
		case errors.Is(err, errTimeout):
			return before, ignored("the connection stayed open, wanted it closed with %s", either(codes))
		case errors.Is(err, errDropped):
			return before, weak("dropped without a close frame, wanted %s", either(codes))
		case err != nil:
			return before, err
		case e.op == opPong:
		case e.op == opClose:
			return before, p.closedWith(e, codes)
		case p.Live:
		case len(before) == 0 || !before[0].is(e.op, e.data):
			return before, ignored("the server answered what it must refuse: %s %s", e.op, show(e.data))
		default:
			before = before[1:]
		}
	}
}

// closedWith checks the close frame of a violation, answers it and wants the end of the TCP connection.
func (p *peer) closedWith(e event, codes []int) error {
	if !slices.Contains(codes, e.code) {
		if p.Live && e.code >= 3000 && e.code <= 4999 {
			return weak("the application refused it with %d, wanted %s", e.code, either(codes))
		}
		return closed(e, either(codes))
	}
	if err := p.send(closing(e.code, "")); err != nil && !errors.Is(err, errDropped) {
		return err
	}
	return ended(p)
}

// closeAnswer is the code of the answer to a close frame. No message may come in its place, except from a live
// endpoint.
func (p *peer) closeAnswer() (int, error) {
	for {
		e, err := p.want("an answer to the close frame", p.Timeout)
		switch {
		case err != nil:
			return 0, err
		case e.op == opClose:
			return e.code, nil
		case e.op != opPong && !p.Live:
			return 0, fail("the server said %s behind a close frame", show(e.data))
		}
	}
}
