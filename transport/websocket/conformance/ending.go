package conformance

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How a connection ends.

// violated wants the server to fail the connection with one of codes (RFC 6455 section 7.1.7). Messages that were sent
// before the violation may be answered.
func violated(codes []int, before ...frame) step { return violatedWithin(0, codes, before...) }

func violatedWithin(patience time.Duration, codes []int, before ...frame) step {
	return func(p *peer) error {
		_, err := p.refusal(patience, codes, before)
		return err
	}
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

func either(codes []int) string {
	var all []string
	for _, code := range codes {
		all = append(all, strconv.Itoa(code))
	}
	return strings.Join(all, " or ")
}

// ended wants the end of the TCP connection.
func ended(p *peer) error {
	err := p.stream.drain(p.ctx, time.Now().Add(p.Timeout))
	if errors.Is(err, errTimeout) {
		return fail("the server left the TCP connection open")
	}
	return err
}

// finished closes normally and wants the code back.
func finished(p *peer) error { return closes(1000, "")(p) }

// closes begins the closing handshake (RFC 6455 section 7.1.2). The answer carries the same code or one of others.
func closes(code int, reason string, others ...int) step {
	return all(send(closing(code, reason)), closedBack(append(others, code)...))
}

// closedBack wants the answer to a close frame and the end of the TCP connection.
func closedBack(codes ...int) step {
	return func(p *peer) error {
		code, err := p.closeAnswer()
		if err == nil {
			err = ended(p)
		}
		switch {
		case err != nil || slices.Contains(codes, code):
			return err
		case code == noStatus || code == 1000 || code == 1001:
			return weak("the answer to the close frame carries %d, wanted %s", code, either(codes))
		}
		return fail("the answer to the close frame carries %d, wanted %s", code, either(codes))
	}
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
