package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// Group 15: hostile clients (RFC 6455 sections 5.1, 5.2 and 10).
func hostile(c *collection) {
	g := c.group("15", "masking and hostile clients", "RFC 6455 5.1")
	refuse := func(title string, codes []int, frames ...frame) { g.live(title, send(frames...), violated(codes)) }
	for _, op := range []opcode{opText, opBinary, opPing, opPong} {
		refuse("unmasked "+op.String(), protocolError, message(op, []byte("naked")).unmasked())
	}
	refuse("unmasked close", protocolError, closing(1000, "").unmasked())
	refuse("unmasked empty text", protocolError, text("").unmasked())
	refuse("unmasked continuation", protocolError, text("a").unfinished(), continuation("b").unmasked())

	g.section = "RFC 6455 5.2"
	impossible := []int{1002, 1009}
	for _, claim := range []uint64{1 << 63, 1<<63 + 5, 1<<64 - 1, 1<<64 - 9} {
		for _, op := range []opcode{opText, opBinary, opContinuation} {
			refuse(fmt.Sprintf("%s with the top length bit set (%#x)", op, claim),
				impossible, message(op, nil).claiming(claim))
		}
	}
	for _, op := range []opcode{opPing, opClose} {
		refuse(fmt.Sprintf("%s with the top length bit set", op), impossible, message(op, nil).claiming(1<<64-1))
	}

	g.section = "RFC 6455 10"
	for seed := range 40 {
		g.live(fmt.Sprintf("4 KiB of noise as frames, seed %d (server survives)", seed),
			survives(noiseFrom(uint64(100+seed), 4096)))
	}
	g.live("a second HTTP request in place of a frame",
		sendBytes([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), violated(protocolError))
	g.add("20 connections reset in mid frame", resets)
	g.live("20000 empty continuation frames", emptyFragments)
	g.add("a client that floods pings and never reads does not stall others", deaf)
}

// survives sends bytes that mean nothing. The server may do anything as long as it lives and keeps to the protocol.
func survives(b []byte) step {
	return func(p *peer) error {
		if err := sendBytes(b)(p); err != nil {
			return err
		}
		for {
			switch e, err := p.receive(300 * time.Millisecond); {
			case errors.Is(err, errDropped) || errors.Is(err, errTimeout):
				return nil
			case err != nil || e.op == opClose:
				return err
			}
		}
	}
}

func resets(s *session) error {
	whole := bytesOf(message(opBinary, zeros(500)))
	for i := range 20 {
		p, err := s.open(opening{})
		if err != nil {
			return err
		}
		if err := p.write(whole[:3+i*20]); err != nil {
			return err
		}
		p.abort()
	}
	return s.play(nil, alive)
}

func emptyFragments(p *peer) error {
	empty := bytesOf(continuation("").unfinished())
	err := p.send(text("").unfinished())
	for range 20 {
		if err == nil {
			err = p.write(bytes.Repeat(empty, 1000))
		}
	}
	if err == nil {
		err = alive(p)
	}
	if err != nil {
		return weak("refused: %v", err)
	}
	return nil
}

// deaf floods pings and reads nothing, while another client wants its pings answered.
func deaf(s *session) error {
	p, err := s.open(opening{})
	if err != nil {
		return err
	}
	other, err := s.open(opening{})
	if err != nil {
		return err
	}
	p.stream.deafen()
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		blob := bytes.Repeat(bytesOf(ping(filled('z', 125))), 500)
		for range 60 {
			if p.write(blob) != nil {
				return
			}
		}
	}()
	for range 5 {
		if err = pause(s.ctx, 100*time.Millisecond); err == nil {
			err = alive(other)
		}
		if err != nil {
			break
		}
	}
	p.abort()
	<-flooded
	if err != nil {
		return err
	}
	return finished(other)
}
