package fault

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Kind is what happens.
type Kind string

// The kinds.
const (
	Cut       Kind = "cut"       // connections break, once, without a close frame
	Refuse    Kind = "refuse"    // handshakes are refused with an HTTP status
	Delay     Kind = "delay"     // events come later, in their order
	Drop      Kind = "drop"      // events are lost
	Duplicate Kind = "duplicate" // events come twice
	Mute      Kind = "mute"      // no event comes and no message is heard, as on a connection that is half open
)

// Kinds are all kinds.
var Kinds = []Kind{Cut, Refuse, Delay, Drop, Duplicate, Mute}

// Bounds of a fault.
const (
	DefaultTime = time.Minute
	MaxTime     = time.Hour
	MaxDelay    = time.Minute
)

// reasons are those of the statuses with which handshakes can be refused.
var reasons = map[int]protocol.Reason{
	401: protocol.Unauthorized, 403: protocol.Forbidden, 404: protocol.NotFound, 429: protocol.RateLimited,
	500: protocol.Internal, 503: protocol.Busy,
}

// Spec says what happens, and to whom. A target that is "" is everybody; an event or a connection has to fit all of
// them.
type Spec struct {
	Kind                             Kind
	User, Topic, Connection, Dialect string
	// Percent of what fits is hit, from 1 to 100: of events where the kind is about events, else of connections.
	Percent int
	Delay   time.Duration // of a delay, at most MaxDelay
	Status  int           // of a refusal
	For     time.Duration // at most MaxTime; a cut is over at once
	Seed    uint64        // of the choice; the same seed chooses the same; 0 is a random one
}

// filled has the defaults in the place of what is 0.
func (s Spec) filled() Spec {
	if s.Percent == 0 {
		s.Percent = 100
	}
	if s.For == 0 {
		s.For = DefaultTime
	}
	if s.Kind == Refuse && s.Status == 0 {
		s.Status = 503
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64N(1 << 53) // so that JSON can say it
	}
	return s
}

// check says what is wrong with a filled Spec.
func (s *Spec) check() error {
	events := s.Kind == Delay || s.Kind == Drop || s.Kind == Duplicate
	switch {
	case !slices.Contains(Kinds, s.Kind):
		return protocol.Refuse(protocol.Malformed, "kind must be one of %v", Kinds)
	case s.Percent < 1 || s.Percent > 100:
		return protocol.Refuse(protocol.Malformed, "percent must be from 1 to 100")
	case s.For < 0 || s.For > MaxTime:
		return protocol.Refuse(protocol.Malformed, "for must be at most %s", MaxTime)
	case (s.Kind == Delay) != (s.Delay != 0) || s.Delay < 0 || s.Delay > MaxDelay:
		return protocol.Refuse(protocol.Malformed, "delay is for kind delay alone, and at most %s", MaxDelay)
	case (s.Kind == Refuse) != (s.Status != 0) || s.Status != 0 && reasons[s.Status] == "":
		return protocol.Refuse(protocol.Malformed, "status is for kind refuse alone: 401, 403, 404, 429, 500 or 503")
	case s.Topic != "" && !events:
		return protocol.Refuse(protocol.Malformed, "topic is for delay, drop and duplicate alone")
	case s.Kind == Refuse && s.User+s.Connection != "":
		return protocol.Refuse(protocol.Malformed, "a handshake is refused before its user is known: name a dialect")
	}
	return nil
}
