package conformance

// A server answers what a client sent before the end. In many servers timing decides whether it does, so that each case
// has rounds.

// answeredBefore adds cases with messages before a violation, in its packet and in one of their own. RFC 6455 section
// 7.1.7 lets a server forget them.
func answeredBefore(g *group, what string, bad ...frame) {
	first, second := text("first"), text("second")
	all := append([]frame{first, second}, bad...)
	g.rounds("messages in the packet of "+what+" are answered first", send(all...), answeredAndViolated(first, second))
	g.rounds("messages in the packet before "+what+" are answered first",
		send(first, second), send(bad...), answeredAndViolated(first, second))
	g.rounds("messages byte by byte before "+what+" are answered first",
		sendIn(1, all...), answeredAndViolated(first, second))
}

func answeredAndViolated(messages ...frame) step {
	return func(p *peer) error {
		rest, err := p.refusal(0, protocolError, messages)
		if err == nil && len(rest) > 0 {
			return weak("%d of %d messages before the violation were not answered", len(rest), len(messages))
		}
		return err
	}
}

// answeredBeforeClose sends messages and a close frame, and wants each message back, then the answer to the close
// frame.
func answeredBeforeClose(messages ...frame) step {
	return all(wantEchoes(messages...), closedBack(1000))
}
