package conformance

import (
	"errors"
	"fmt"
	"strings"
)

// offersTried are offers that need an answer that fits one of them, and messages that keep to it.
var offersTried = [][]offer{
	{offering()},
	{offering(clientBits)},
	{offering(serverNoTakeover)},
	{offering(clientNoTakeover)},
	{offering(serverNoTakeover, clientNoTakeover)},
	{offering(serverBits + "=15")},
	{offering(serverBits + "=12")},
	{offering(serverBits + "=9")},
	{offering(clientBits + "=15")},
	{offering(clientBits + "=10")},
	{offering(serverBits+"=9", clientBits+"=9")},
	{offering(serverNoTakeover, serverBits+"=10", clientBits)},
	{offering(serverNoTakeover, serverBits+"=9"), offering(serverNoTakeover), offering()},
}

// Group 13: offers of permessage-deflate and their answers (RFC 7692 sections 5 and 7.1).
func offers(c *collection) {
	g := c.group("13", "permessage-deflate negotiation", "RFC 7692 7.1")
	for _, tried := range offersTried {
		title := offersText(tried)
		for _, m := range []material{jsonText, noiseBytes} {
			g.offering(usualLevel, tried...).echo(fmt.Sprintf("%s: %s", title, m.name),
				exchanged(m, 2, 0, 5, 100, 3000, 40000, 1, 3000), finished)
		}
		g.add(title+": the answer fits the offer", fitting(tried))
	}

	g.section = "RFC 7692 7.1"
	for _, parameters := range []string{
		"nonsense", "nonsense=1", "server_max_window_bits=16", "server_max_window_bits=7", "server_max_window_bits=0",
		"server_max_window_bits=abc", "server_max_window_bits=-9",
		"server_max_window_bits", "server_max_window_bits=010",
		"client_max_window_bits=16", "client_max_window_bits=7", "server_no_context_takeover=1",
		"client_no_context_takeover=true", "server_no_context_takeover; server_no_context_takeover",
		"server_max_window_bits=10; server_max_window_bits=11",
	} {
		declined(g, "permessage-deflate; "+parameters)
	}
	for _, value := range []string{
		"x-permessage-deflate", "permessage-deflate2", "permessage-deflatefoo; client_max_window_bits",
	} {
		declined(g, value)
	}
	g.section = "RFC 7692 5"
	g.add("bad offers ahead of a good one", badOffersFirst)
	g.add("offers over two header lines", twoLines)
	windows(g)
}

// windows adds cases of every window that can be asked for: alone it is granted or declined, and with a plain offer
// after it one of the two is taken.
func windows(g *group) {
	plain := offering()
	for _, name := range []string{serverBits, clientBits} {
		g.section = map[string]string{serverBits: "RFC 7692 7.1.2.1", clientBits: "RFC 7692 7.1.2.2"}[name]
		for bits := 8; bits <= 15; bits++ {
			asked := offering(fmt.Sprintf("%s=%d", name, bits))
			g.add(asked.String()+" alone", granted(asked)).Echo = true
			g.add(asked.String()+", and one without", granted(asked, plain)).Echo = true
		}
	}
	g.section = "RFC 7692 7.1"
	for bits := 9; bits <= 15; bits++ {
		asked := offering(serverNoTakeover, clientNoTakeover, fmt.Sprintf("%s=%d", serverBits, bits))
		g.add(asked.String()+" alone", granted(asked)).Echo = true
	}
}

// granted wants a server to keep to an offer that it accepts and, if it speaks permessage-deflate at all, to accept an
// offer of a window that is possible. zlib cannot make one of 8 bits.
func granted(offers ...offer) func(*session) error {
	return func(s *session) error {
		p, err := s.open(opening{offers: offers, level: usualLevel})
		if err != nil {
			return err
		}
		if p.deflate != nil {
			return all(exchanged(jsonText, 2, 0, 5, 20000, 3000), finished)(p)
		}
		if _, err := s.openDeflated(opening{offers: []offer{usual}, level: usualLevel}); err != nil {
			return err
		}
		if len(offers) == 1 && offers[0].bits(serverBits) == 8 {
			return nil
		}
		return weak("declined, though permessage-deflate is spoken")
	}
}

// fitting wants an answer that fits an offer, or none.
func fitting(offers []offer) func(*session) error {
	return func(s *session) error {
		p, err := s.open(opening{offers: offers})
		if err != nil {
			return err
		}
		return all(alive, finished)(p)
	}
}

// declined adds a case in which a bad offer must not be accepted; refusing the whole handshake is as good.
func declined(g *group, value string) {
	g.add("bad offer is declined: "+value, func(s *session) error {
		_, answer, err := s.offered(value)
		if err == nil && len(answer) > 0 {
			return fail("a bad offer was accepted with %q", strings.Join(answer, ", "))
		}
		if errors.Is(err, errRefused) {
			return nil
		}
		return err
	})
}

func badOffersFirst(s *session) error {
	p, answer, err := s.offered("permessage-deflate; nonsense, " +
		"permessage-deflate; server_max_window_bits=77, permessage-deflate")
	if errors.Is(err, errRefused) {
		return weak("the whole handshake was refused because of one bad offer")
	}
	if err == nil {
		err = p.agree(opening{offers: []offer{offering()}, level: usualLevel}, answer)
	}
	if err != nil {
		return err
	}
	return all(alive, finished)(p)
}

func twoLines(s *session) error {
	p, answer, err := s.offered("x-unknown", "permessage-deflate")
	if err != nil {
		return err
	}
	if len(answer) > 0 {
		return p.agree(opening{offers: []offer{offering()}}, answer)
	}
	p, err = s.open(opening{offers: []offer{offering()}})
	if err == nil && p.deflate != nil {
		return weak("an offer on a second header line is overlooked")
	}
	return err
}
