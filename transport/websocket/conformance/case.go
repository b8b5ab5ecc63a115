package conformance

import (
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
