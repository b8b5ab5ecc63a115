package protocol

import "time"

// Command is what a session wants done. The engine does a connection's commands one after the other; to each that can
// fail or knows something it gives an Outcome, through Session.Answer, before it does the next.
type Command interface{ command() }

// The commands.
type (
	// Say sends one message to the client. No outcome.
	Say struct {
		Text []byte
		// Binary sends a binary frame instead of a text frame.
		Binary bool
	}
	// Close ends the connection after what was said before. No outcome.
	Close struct {
		Code   uint16
		Reason string
	}
	// Authenticate says who the client is. Outcome: Identity or Err. A connection that is authenticated already gets
	// its identity refreshed in place, keeping its subscriptions; another user than before is refused.
	Authenticate struct{ Credential Credential }
	// Subscribe adds a topic, or gives it another filter. Outcome: Err. One connection hears an event once, however
	// many of its subscriptions match.
	Subscribe struct {
		Topic  string
		Filter Filter
		// Tag is the session's own; it comes back with the outcome.
		Tag any
	}
	// Unsubscribe removes a topic; one that was not subscribed is no error. Outcome: none needed, Err is nil.
	Unsubscribe struct {
		Topic string
		// Below removes all topics that lie below, too.
		Below bool
		Tag   any
	}
	// Beat calls Session.Beat every so often from now on; 0 stops it. No outcome.
	Beat struct{ Every time.Duration }
	// Census asks how many authenticated connections of this dialect the tenant has. Outcome: Count.
	Census struct{}
	// Report hands on what a client reports of itself (an error, its health). No outcome.
	Report struct {
		Kind string
		Data []byte
	}
)

func (Say) command()          {}
func (Close) command()        {}
func (Authenticate) command() {}
func (Subscribe) command()    {}
func (Unsubscribe) command()  {}
func (Beat) command()         {}
func (Census) command()       {}
func (Report) command()       {}

// Outcome is what became of a command.
type Outcome struct {
	// Now is the time at which it was done.
	Now      time.Time
	Identity *Identity
	Count    int
	// Err is nil, or why it was refused.
	Err *Refusal
}
