package conformance

import (
	"fmt"
	"slices"
	"time"
)

// Group 5: fragmentation (RFC 6455 section 5.4).
func fragmentation(c *collection) {
	g := c.group("5", "fragmentation", "RFC 6455 5.5")
	for _, op := range []opcode{opPing, opPong} {
		g.live("fragmented "+op.String(),
			send(message(op, []byte("a")).unfinished(), continuation("b")), violated(protocolError))
	}
	g.live("fragmented close", send(closing(1000, "").unfinished()), violated(protocolError))

	g.section = "RFC 6455 5.4"
	for _, op := range []opcode{opText, opBinary} {
		tellFragments(g, op)
	}
	polyglot := []byte("zażółć gęślą jaźń 日本語 🜂")
	g.echo("characters split across fragments", fragmented(opText, fragments(opText, polyglot, 1))...)
	var twenty []frame
	for i := range 20 {
		twenty = append(twenty, continuation(fmt.Sprintf("p%d", i)).unfinished())
	}
	g.echo("ping before every fragment of 20", pinged(opText, chain(opText, twenty))...)
	first, second := []byte("first"), []byte("second")
	g.echo("two fragmented messages one after the other",
		sendEach(fragments(opText, first, 2)...), wantEcho(opText, first),
		sendEach(fragments(opText, second, 2)...), wantEcho(opText, second), finished)

	strayFragments(g)
	stray := continuation("stray")
	answeredBefore(g, "a continuation of nothing", stray)
	answeredBefore(g, "a message inside of a message", text("a").unfinished(), text("b"))
	g.section = "RFC 6455 5.5"
	for _, op := range []opcode{opPing, opPong} {
		g.live("first fragment of a "+op.String(), send(message(op, []byte("a")).unfinished()), violated(protocolError))
	}
	g.section = "RFC 6455 5.4"
	for _, op := range []opcode{opText, opBinary} {
		middle := chain(op,
			[]frame{continuation("").unfinished(), continuation("middle").unfinished(), continuation("").unfinished()})
		g.echo(op.String()+": only the middle fragment is not empty", fragmented(op, middle)...)
	}
	g.echo("text in 5 fragments with pings and pauses inside",
		paused(pinged(opText, fragments(opText, []byte("fives"), 1)))...)
}

func tellFragments(g *group, op opcode) {
	of := func(size int, data string) []frame { return fragments(op, []byte(data), size) }
	sized := func(sizes ...int) []frame {
		var all []frame
		for _, n := range sizes {
			all = append(all, frame{op: opContinuation, payload: prose(n), more: true})
		}
		return chain(op, all)
	}
	add := func(title string, steps []step) { g.echo(fmt.Sprintf("%s%s", op, title), steps...) }
	halves := sized(4, 5)
	add(" in 2 fragments", fragmented(op, halves))
	add(" in 2 fragments, byte by byte", []step{sendIn(1, halves...), wantEcho(op, joined(halves)), finished})
	add(" in 3 fragments with an answered ping inside", pinged(op, of(1, "abc")))
	unasked := message(opPong, []byte("unasked"))
	three := of(1, "abc")
	add(" in 3 fragments with pongs inside",
		[]step{sendEach(three[0], unasked, three[1], unasked, three[2]), wantEcho(op, []byte("abc")), finished})
	add(" in 1000 fragments of 1 byte", fragmented(op, fragments(op, prose(1000), 1)))
	add(": first fragment empty", fragmented(op, sized(0, 4)))
	add(": last fragment empty", fragmented(op, sized(4, 0)))
	add(": all 5 fragments empty", fragmented(op, sized(0, 0, 0, 0, 0)))
	add(": fragments of 0,125,126,65535,65536,1 bytes", fragmented(op, sized(0, 125, 126, 65535, 65536, 1)))
}

// joined is the message that fragments make.
func joined(fragments []frame) (data []byte) {
	for _, f := range fragments {
		data = append(data, f.payload...)
	}
	return data
}

// fragmented sends each fragment by itself and wants the message back whole.
func fragmented(op opcode, fragments []frame) []step {
	whole := joined(fragments)
	return []step{fits(len(whole)), sendEach(fragments...), wantEcho(op, whole), finished}
}

// pinged sends pings between fragments, each of which is answered before the message ends.
func pinged(op opcode, fragments []frame) []step {
	var steps []step
	for i, f := range fragments {
		if i > 0 {
			probe := fmt.Appendf(nil, "inside-%d", i)
			steps = append(steps, send(ping(probe)), wantPong(probe))
		}
		steps = append(steps, send(f))
	}
	return append(steps, wantEcho(op, joined(fragments)), finished)
}

// paused waits between steps.
func paused(steps []step) []step {
	var all []step
	for _, s := range steps {
		all = append(all, s, func(p *peer) error { return pause(p.ctx, 100*time.Millisecond) })
	}
	return all
}

func strayFragments(g *group) {
	start, whole := text("s").unfinished(), text("m")
	more, last := continuation("c").unfinished(), continuation("c")
	for _, size := range []int{0, 1} {
		add := func(title string, frames ...frame) {
			if size == 1 {
				title += ", byte by byte"
			}
			g.live(title, sendIn(size, frames...), violated(protocolError))
		}
		add("continuation first (FIN)", last)
		add("continuation first (no FIN)", more)
		add("continuation first, then text", last, whole)
		add("new text inside a fragmented text", start, whole)
		add("new fragmented text inside a fragmented text", start, start, last)
		add("new binary inside a fragmented text", start, more, message(opBinary, []byte("m")), last)
	}
	stray := []step{send(continuation("stale")), violated(protocolError)}
	g.echo("continuation after the message has ended", slices.Concat(
		[]step{sendEach(fragments(opText, []byte("abcd"), 2)...), wantEcho(opText, []byte("abcd"))}, stray)...)
	g.live("continuation after a ping", slices.Concat([]step{send(ping([]byte("x"))), wantPong([]byte("x"))}, stray)...)
}
