package conformance

import (
	"errors"
	"time"
)

// step is a part of a case: it does something on a connection, or wants something of the server.
type step func(*peer) error

// all takes steps in order.
func all(steps ...step) step {
	return func(p *peer) error {
		for _, take := range steps {
			if err := take(p); err != nil {
				return err
			}
		}
		return nil
	}
}

// send sends frames in one packet. If the server has hung up, the next step finds what it sent before.
func send(frames ...frame) step {
	return func(p *peer) error { return unlessDropped(p.send(frames...)) }
}

// sendIn sends frames in TCP pieces of a size.
func sendIn(size int, frames ...frame) step {
	return func(p *peer) error { return unlessDropped(p.writeIn(size, p.encode(frames...))) }
}

// sendEach sends each frame in a packet of its own.
func sendEach(frames ...frame) step {
	return func(p *peer) error {
		for _, f := range frames {
			if err := p.send(f); err != nil {
				return unlessDropped(err)
			}
		}
		return nil
	}
}

// sendBytes sends bytes that are no frame.
func sendBytes(b []byte) step {
	return func(p *peer) error { return unlessDropped(p.write(b)) }
}

func unlessDropped(err error) error {
	if errors.Is(err, errDropped) {
		return nil
	}
	return err
}

// fits skips the case if a message is larger than the server takes.
func fits(size int) step {
	return func(p *peer) error {
		if size > p.MaxMessage {
			return skip("larger than the server's limit of %d bytes", p.MaxMessage)
		}
		return nil
	}
}

// echoed sends a message and wants it back.
func echoed(op opcode, data []byte) step {
	return all(fits(len(data)), send(message(op, data)), wantEcho(op, data))
}

// wantEcho wants a message back; pongs may come before it.
func wantEcho(op opcode, data []byte) step { return wantEchoWithin(0, op, data) }

func wantEchoWithin(patience time.Duration, op opcode, data []byte) step {
	return func(p *peer) error {
		for {
			e, err := p.want("the echo of "+show(data), max(patience, p.Timeout))
			switch {
			case err != nil:
				return err
			case e.op == opPong:
				p.pongs = append(p.pongs, e.data)
			case e.op == opClose:
				return closed(e, "the echo of "+show(data))
			case e.op != op:
				return fail("%s was echoed as %s", op, e.op)
			case string(e.data) != string(data):
				return fail("the echo differs: sent %s, got %s", show(data), show(e.data))
			default:
				return nil
			}
		}
	}
}

// wantPong wants a pong that carries data. Before it a live endpoint may send messages of its own accord.
func wantPong(data []byte) step {
	return func(p *peer) error {
		for i, pong := range p.pongs {
			if string(pong) == string(data) {
				p.pongs = append(p.pongs[:i], p.pongs[i+1:]...)
				return nil
			}
		}
		for {
			e, err := p.want("a pong with "+show(data), p.Timeout)
			switch {
			case err != nil:
				return err
			case e.op == opClose:
				return closed(e, "a pong")
			case e.op != opPong && p.Live:
			case e.op != opPong:
				return fail("the server said %s, wanted a pong", show(e.data))
			case string(e.data) != string(data):
				return fail("the pong carries %s, the ping carried %s", show(e.data), show(data))
			default:
				return nil
			}
		}
	}
}

// alive wants the connection to work: a ping comes back.
func alive(p *peer) error {
	probe := noiseFrom(uint64(time.Now().UnixNano()), 8)
	if err := p.send(ping(probe)); err != nil {
		if errors.Is(err, errDropped) {
			return fail("the connection was dropped after valid input")
		}
		return err
	}
	return wantPong(probe)(p)
}
