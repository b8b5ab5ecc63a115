package protocol

import "time"

// Command is what a session wants done. The engine does a connection's commands one after the other; to each that can
// fail or knows something it gives an Outcome, through Session.Answer, before it does the next.
type Command interface{ command() }

// The commands.
type (
	// Send sends one message to the client. No outcome.
	Send struct {
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
	Authenticate struct {
		Credential Credential
		// IgnoreExpiry lets the connection outlive its token: its dialect checks a token with each request anyway.
		IgnoreExpiry bool
	}
	// Verify asks who shows a credential, and changes nothing. Outcome: Identity or Err.
	Verify struct {
		Credential Credential
		Tag        any
	}
	// Subscribe adds a topic, or gives it another filter. Outcome: Err. One connection hears an event once, however
	// many of its subscriptions match.
	Subscribe struct {
		Topic  string
		Filter Filter
		// Since is where the client stands in the topic; zero is at its end. The events that it missed since then come
		// first, and once. If that is not all there any more the outcome is PositionLost, and nothing is subscribed to.
		// A topic that the connection hears already, through this or one above, is no topic to resume: Conflict.
		Since Position
		// AnswerFirst has the missed events follow the answer; without it they precede it.
		AnswerFirst bool
		// Last asks for the newest event that the filter wants and the topic remembers, as Outcome.Last: it is the one
		// before Outcome.Position, and is not delivered.
		Last bool
		// As is whose right to the topic counts; nil is the connection's own identity. The subscription ends with that
		// right: when its token expires, or it is revoked. By the rights of several it ends with the last of them. The
		// session hears of it through OnReject, as TokenExpired, Revoked or Forbidden, not final.
		As *Identity
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
	// Publish gives an event to a topic, as a backend does. Outcome: Position and Err. It comes later, behind the event
	// itself if the connection hears the topic; meanwhile the session goes on. The events of a connection keep their
	// order. The right is that of the connection's identity, or what the topic's rule says.
	Publish struct {
		Topic string
		Event *Event
		// ExcludeSelf keeps the event from this connection.
		ExcludeSelf bool
		Tag         any
	}
	// ReadHistory asks for past events of a topic, which takes the right to subscribe to it. Outcome: History, Position
	// (of the newest event) and Err, which is PositionLost if the topic does not remember what follows After.
	ReadHistory struct {
		Topic string
		// After is where to begin; zero is at the oldest event that is remembered, in reverse at the newest.
		After Position
		// Limit bounds the events: 0 asks for the position alone, and more than MaxHistory is that.
		Limit int
		// Reverse returns the newest first, of those before After.
		Reverse bool
		Tag     any
	}
	// ReadMembers asks for those who are present in a topic, which takes the right to subscribe to it. Outcome: Members
	// and Err.
	ReadMembers struct {
		Topic string
		Tag   any
	}
	// Announce says that a member of a topic is alive, and what it tells of itself; it is heard of for that long,
	// unless it is announced again. No outcome.
	Announce struct {
		Topic, Member string
		Data          []byte
		For           time.Duration
	}
	// SwitchDialect hands the connection to another dialect, before it has authenticated: from now on its session, its
	// words, its limits and the count of its connections are those. No outcome; the commands behind it are the new
	// session's.
	SwitchDialect struct {
		Dialect Dialect
		Session Session
	}
	// SetEventView says what is left for this connection of events that are sent to its user or to everyone; at first
	// it is the whole. The dialect's Encode gets the view. No outcome.
	SetEventView struct {
		View Projection
		// As is whose right it goes by, beside those before; when the last of them ends, nothing is left. nil changes
		// nothing of that: at first it is the connection's own identity.
		As *Identity
	}
	// SetInterval calls Session.OnTick every so often from now on; 0 stops it. No outcome.
	SetInterval struct{ Every time.Duration }
	// CountConnections asks how many authenticated connections of this dialect the tenant has. Outcome: Count.
	CountConnections struct{}
	// Report hands on what a client reports of itself (an error, its health), or what was wrong with it. No outcome.
	Report struct {
		Kind string
		Data []byte
		Warn bool // whoever runs the server should see it
	}
)

func (Send) command()             {}
func (Close) command()            {}
func (Authenticate) command()     {}
func (Verify) command()           {}
func (Publish) command()          {}
func (ReadHistory) command()      {}
func (ReadMembers) command()      {}
func (Announce) command()         {}
func (SetEventView) command()     {}
func (SwitchDialect) command()    {}
func (Subscribe) command()        {}
func (Unsubscribe) command()      {}
func (SetInterval) command()      {}
func (CountConnections) command() {}
func (Report) command()           {}

// MaxHistory bounds the events of one ReadHistory.
const MaxHistory = 1000

// Past is an event of a topic's history.
type Past struct {
	Event  *Event
	Offset uint64
}

// Outcome is what became of a command.
type Outcome struct {
	// Now is the time at which it was done.
	Now      time.Time
	Identity *Identity
	Count    int
	// Position is where the topic of a Subscribe stood: what comes later is heard. It is zero if the connection hears
	// the topic through another one. Of a Publish it is where the event stands.
	Position Position
	// Last is the newest event, nil if the topic remembers none or was not asked.
	Last *Event
	// Members are those who are present, in the order of their IDs: for a ReadMembers, or for a Subscribe that asks.
	Members []Member
	// History are the events of a ReadHistory.
	History []Past
	// Err is nil, or why it was refused.
	Err *Refusal
}
