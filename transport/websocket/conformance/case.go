package conformance

import (
	"fmt"
	"slices"
	"sync"
)

// Case is one check of a server.
type Case struct {
	// ID is a group and a number, such as 7.12. It never changes its meaning.
	ID string
	// Group is what the group is about, such as "closing".
	Group string
	// Title says what happens in a few words.
	Title string
	// Section is where the rule stands, such as "RFC 6455 5.5.1".
	Section string
	// Echo says that the case needs an endpoint that echoes.
	Echo bool
	// Slow says that the case waits for the server's own timeouts.
	Slow bool

	play func(*session) error
}

// Cases are all cases, in the order of their numbers.
func Cases() []Case { return slices.Clone(catalogue()) }

// catalogue is built once. A group stands in the file that is named after it; new cases are added at a group's end, so
// that numbers stay.
var catalogue = sync.OnceValue(func() []Case {
	var c collection
	for _, add := range []func(*collection){
		handshakes, framing, pings, reservedBits, reservedOpcodes, fragmentation, utf8Texts, closings, sizes, recut,
		deflated, offers, brokenDeflate, hostile,
	} {
		add(&c)
	}
	return c.cases
})

type collection struct{ cases []Case }

// group collects the cases of a group. Its fields apply to the cases that are added next.
type group struct {
	*collection
	id, name string
	section  string
	opening  *opening // with permessage-deflate; nil is a plain connection
	count    *int
}

func (c *collection) group(id, name, section string) *group {
	return &group{collection: c, id: id, name: name, section: section, count: new(int)}
}

// offering is the group with connections on which permessage-deflate was negotiated.
func (g group) offering(level int, offers ...offer) *group {
	g.opening = &opening{offers: offers, level: level}
	return &g
}

// add adds a case that does anything.
func (g *group) add(title string, play func(*session) error) *Case {
	*g.count++
	g.cases = append(g.cases, Case{
		ID: fmt.Sprintf("%s.%d", g.id, *g.count), Group: g.name, Title: title, Section: g.section, play: play,
	})
	return &g.cases[len(g.cases)-1]
}

// live adds a case of steps on an open connection, for every endpoint.
func (g *group) live(title string, steps ...step) { g.add(title, g.opened(steps)) }

// echo adds a case of steps on an open connection, for endpoints that echo.
func (g *group) echo(title string, steps ...step) { g.add(title, g.opened(steps)).Echo = true }

func (g *group) opened(steps []step) func(*session) error {
	open := g.opening
	return func(s *session) error { return s.play(open, steps...) }
}

// play opens a connection and takes the steps on it.
func (s *session) play(o *opening, steps ...step) error {
	var p *peer
	var err error
	if o == nil {
		p, err = s.open(opening{})
	} else {
		p, err = s.openDeflated(*o)
	}
	if err != nil {
		return err
	}
	return all(steps...)(p)
}
