package recorder

import (
	"strings"
	"time"
	"unsafe"

	"github.com/parley-realtime/parley/protocol"
)

// By says which side ended a connection.
type By uint8

// The sides. Network is for a connection that broke, or whose client fell silent.
const (
	Server By = iota
	Client
	Network
)

// String is the side's word in the API.
func (b By) String() string { return [...]string{"server", "client", "network"}[b] }

// Close codes that stand for what no close frame said (RFC 6455 section 7.4.1).
const (
	NoCode  = 1005 // there was a close frame without a code
	NoFrame = 1006 // there was no close frame
)

// Close is how a connection ended.
type Close struct {
	By     By
	Code   uint16 // of the close frame, NoCode or NoFrame; 0 is the reason's own
	Reason protocol.Reason
	Detail string // what else is known, as text for a person; "" is nothing
	Rule   string // the rule or setting that decided; "" is the reason's own
	// QueuedFrames and QueuedBytes waited for the client then; bytes by Frame.Size of the outbox.
	QueuedFrames, QueuedBytes int
}

// Broken is the ending of a connection that the server did not end, as far as its reason tells.
func Broken(reason protocol.Reason) Close {
	if reason == protocol.Lost || reason == protocol.Silent {
		return Close{By: Network, Reason: reason}
	}
	return Close{By: Client, Reason: reason}
}

// Entry is a connection that has ended, or a handshake or login that was refused. Fields that nobody knew are zero.
type Entry struct {
	// Number counts the entries of a ring, from 1; a page goes on behind it.
	Number uint64

	Tenant, User, Connection, RequestID, Remote, Origin, Dialect string

	Opened time.Time // zero for a handshake that was refused
	Closed time.Time // or when it was refused
	// Status is the HTTP status of a handshake that was refused; 0 for all else.
	Status int
	// Login says that it is a login that was refused; the connection may live on.
	Login bool
	Close

	InMessages, InBytes, OutMessages, OutBytes uint64
	// Last are the messages that came in last. Frames that went out are not remembered: to note each would cost a
	// delivery one more cache line.
	Last Last
}

// maxText bounds each text of an entry that comes from outside, in bytes.
const maxText = 256

// bound cuts the texts that a client chose, and keeps no more of its request in memory than that.
func (e *Entry) bound() {
	for _, text := range []*string{
		&e.Tenant, &e.User, &e.Connection, &e.RequestID, &e.Remote, &e.Origin, &e.Dialect, &e.Detail, &e.Rule,
	} {
		if len(*text) > maxText {
			*text = strings.ToValidUTF8((*text)[:maxText], "")
		}
		*text = strings.Clone(*text)
	}
}

// size is what an entry takes, in bytes.
func (e *Entry) size() int {
	return int(unsafe.Sizeof(*e)) + len(e.Tenant) + len(e.User) + len(e.Connection) + len(e.RequestID) + len(e.Remote) +
		len(e.Origin) + len(e.Dialect) + len(e.Detail) + len(e.Rule)
}
