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
