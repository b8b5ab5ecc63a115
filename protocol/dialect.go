package protocol

import (
	"net/url"
	"strings"
	"time"
)

// Dialect is one wire protocol. All methods may be called from many goroutines at once.
//
// A protocol, which has one dialect or several, is a folder below this one and a line in cmd (see Registration). A
// dialect is played without sockets: its tests are transcripts.
type Dialect interface {
	// Name is the dialect's word in URLs, logs and metrics.
	Name() string
	// Paths are the exact paths it answers on. A segment in braces matches any one segment.
	Paths() []string
	// Limits are what its document allows one connection, as configured.
	Limits() Limits
	// Open makes the session of a new connection. A Refusal refuses the upgrade with the status of its reason.
	Open(Handshake) (Opened, *Refusal)
	// Encode returns the event's message in this dialect as the view leaves it, the zero Encoded if the dialect has no
	// words for it or the view leaves nothing. It is stateless, and what it returns is shared and never changed.
	Encode(Delivery) Encoded
}

// Opened is what a dialect makes of a handshake.
type Opened struct {
	Session Session
	// Credential, if there is one, is checked before the upgrade, and one that does not hold is answered with HTTP 403.
	// It is nil for a session that authenticates later.
	Credential *Credential
	// Subprotocol is the Sec-WebSocket-Protocol that is spoken, one of Handshake.Subprotocols; "" for none. Browsers
	// close a connection whose subprotocol they did not offer, or that was given none of those that they offered.
	Subprotocol string
}

// Session is what one connection has said so far. The connection's actor calls it, one call at a time. Its methods are
// pure: what they want done they return as commands.
type Session interface {
	// OnOpen comes once, when the socket is open. number is unique among all connections of this process.
	OnOpen(now time.Time, number uint64) []Command
	// Receive reads one frame. data is valid during the call only. messages is how many messages the frame counts as
	// against the rate limit (a batch counts each of its items).
	Receive(now time.Time, frame ClientMessage) (messages int, commands []Command)
	// Answer tells the outcome of a command; what it returns is done before the commands that still wait.
	Answer(Command, Outcome) []Command
	// OnTick comes at the interval that a SetInterval command asked for.
	OnTick(now time.Time) []Command
	// OnReject puts a refusal by the engine into the dialect's words: a limit that was met, a token that expired, a
	// server that goes away. If final, the connection ends, and the last command must be a Close (see End).
	OnReject(now time.Time, err *Refusal, final bool) []Command
}

// ClientMessage is one frame from a client.
type ClientMessage struct {
	Data   []byte
	Binary bool
}

// Handshake is the request that asked for the connection. It is valid during Open only.
type Handshake struct {
	Path string
	// Pattern is the one of Dialect.Paths that the path matched; see PathValue.
	Pattern string
	Query   url.Values
	Host    string
	// Header is the first line of a header, "" if there is none; Values are all of them. Where Values is nil there is
	// one at most.
	Header func(name string) string
	Values func(name string) []string
	// Remote is the client's address without port, as the trusted proxies tell it.
	Remote string
}

// clientKeys are the parameters of the query by which clients name themselves.
var clientKeys = []string{"client_id", "instance", "instance_uuid"}

// Client is the client's own word for itself, by which it is known again when its connection broke: the first of
// client_id, instance and instance_uuid in the query that is there, or else the header X-Client-ID. It is "" if none is
// there, or if it is no name; nobody believes it beyond that.
func (h *Handshake) Client() string {
	key := ""
	for i := 0; key == "" && i < len(clientKeys); i++ {
		key = h.Query.Get(clientKeys[i])
	}
	if key == "" && h.Header != nil {
		key = h.Header("X-Client-ID")
	}
	if CheckName("client_id", key) != nil {
		return ""
	}
	return strings.Clone(key)
}

// PathValue is the segment of the path that stands where the pattern has the name in braces, "" if it has no such name.
func (h *Handshake) PathValue(name string) string {
	rest := h.Path
	for segment := range strings.SplitSeq(h.Pattern, "/") {
		value, behind, _ := strings.Cut(rest, "/")
		if rest = behind; len(segment) == len(name)+2 && segment[0] == '{' && segment[1:len(segment)-1] == name {
			return value
		}
	}
	return ""
}

// Subprotocols are those that the client offers, in its order of preference.
func (h *Handshake) Subprotocols() (offered []string) {
	lines := []string{h.Header("Sec-WebSocket-Protocol")}
	if h.Values != nil {
		lines = h.Values("Sec-WebSocket-Protocol")
	}
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.Trim(item, " \t"); item != "" {
				offered = append(offered, item)
			}
		}
	}
	return offered
}

// Last is the last line of a header, which counts where a framework makes a dictionary of the headers; "" if there is
// none.
func (h *Handshake) Last(name string) string {
	if h.Values != nil {
		if all := h.Values(name); len(all) > 0 {
			return all[len(all)-1]
		}
	}
	return h.Header(name)
}

// LastQuery is the last of the parameters of that name in the query, which counts in Starlette; "" if there is none.
func (h *Handshake) LastQuery(name string) string {
	if all := h.Query[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// Limits are what one connection may do and needs, and how many there may be. Zero is no limit.
type Limits struct {
	// Frame bounds one message from the client, in bytes; more is answered with close code 1009.
	Frame int
	// Rate and Burst bound the client's messages per second.
	Rate, Burst int
	// Login is how long a connection may stay without an identity.
	Login time.Duration
	// Unread is how long its clients may leave their socket unread, so that pings wait for an answer: the engine takes
	// none for gone that was silent for less, however short its own timeout is. Zero are clients that always read.
	Unread time.Duration
	// Subscriptions bounds the topics of one connection.
	Subscriptions int
	// Connections bounds the connections of this dialect in a tenant, PerUser those of one user.
	Connections, PerUser int
	// Inbox has a user's messages wait while the user has no connection, and gives them to the next one of this
	// dialect.
	Inbox bool
	// Connects bounds the connects per minute of one user, or of one address while the user is unknown.
	Connects int
}

// End returns the closing commands for a refusal: an optional last message, then the close that was asked for, or the
// close code and the name of the reason.
func End(err *Refusal, last []byte) []Command {
	end := Close{Code: err.Reason.CloseCode(), Reason: string(err.Reason)}
	if err.Close != nil {
		end = *err.Close
	}
	if last == nil {
		return []Command{end}
	}
	return []Command{Send{Text: last}, end}
}
