package recorder

import (
	"fmt"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// account is what a reason says of an end by the server, or of a refusal.
type account struct {
	why  string // one sentence, without its full stop
	rule string // what decides such a case unless the refusal itself names it; package decision has the names
}

var accounts = map[protocol.Reason]account{
	protocol.Malformed:      {"the client sent what cannot be read", "dialect_words"},
	protocol.Unauthorized:   {"the client showed no token", "token_form"},
	protocol.InvalidToken:   {"the token does not hold", "token_signature"},
	protocol.TokenExpired:   {"the token has expired", "token_expiry"},
	protocol.UnknownUser:    {"the token holds, but its user does not exist", "user_known"},
	protocol.AuthTimeout:    {"no valid token came in time", "login"},
	protocol.Forbidden:      {"the client has no right to it", "grant"},
	protocol.NotFound:       {"what the client asked for does not exist", "path"},
	protocol.UnknownChannel: {"the dialect has no such channel", "dialect_topics"},
	protocol.UnknownType:    {"the dialect has no such message", "dialect_words"},
	protocol.Conflict:       {"what the client asked for contradicts what is", "login"},
	protocol.PositionLost:   {"the history no longer reaches back to where the client stood", "topic_rule"},
	protocol.TooLarge:       {"a message was larger than the limit", "max_frame"},
	protocol.TooMany:        {"there were more of them than the limit", "user_connections"},
	protocol.RateLimited:    {"the client was faster than its rate", "rate"},
	protocol.Busy:           {"the server had no room for more", "connections"},
	protocol.StorageFull:    {"the server's disk was full", "store"},
	protocol.Stale:          {"it had waited too long", "backpressure"},
	protocol.Slow:           {"the client read more slowly than events came", "slow"},
	protocol.Silent:         {"nothing was heard of the client for too long", "engine.timeout"},
	protocol.Lost:           {"the connection broke", ""},
	protocol.Revoked:        {"the token or its right was revoked", "token_revoked"},
	protocol.Disconnected:   {"somebody asked for it", ""},
	protocol.Suspended:      {"the tenant is suspended", "suspended"},
	protocol.Draining:       {"the server was going away", "draining"},
	protocol.Internal:       {"the server failed; its log says more", ""},
}

// Decided is the rule or setting that decided, "" if none did: a client that closes breaks no rule.
func (e *Entry) Decided() string {
	if e.Rule != "" || e.By == Client || e.Reason == protocol.Lost {
		return e.Rule
	}
	return accounts[e.Reason].rule
}

// Why says in one plain sentence how a connection ended, or why it was refused.
func (e *Entry) Why() string {
	var said string
	switch {
	case e.Login:
		said = "The server refused the login: " + accounts[e.Reason].why
	case e.Opened.IsZero():
		said = "The server refused the handshake: " + accounts[e.Reason].why
	case e.By == Client:
		said = "The client closed the connection " + e.withCode()
	case e.By == Network && e.Reason == protocol.Silent:
		said = "The network lost the client: nothing was heard of it for too long, no answer to pings either"
	case e.By == Network:
		said = "The network broke the connection, or the client went away without closing it"
	default:
		said = "The server closed the connection " + e.withCode() + ": " + accounts[e.Reason].why
	}
	if e.Detail != "" && e.Detail != string(e.Reason) {
		said += ": " + strings.TrimSuffix(e.Detail, ".")
	}
	return said + "."
}

// withCode says which code the close frame had.
func (e *Entry) withCode() string {
	switch e.Code {
	case NoCode:
		return "without a code"
	case NoFrame:
		return "without a close frame"
	}
	return fmt.Sprintf("with code %d", e.Code)
}

// Lasted is how long the connection was open; 0 for a refused handshake.
func (e *Entry) Lasted() time.Duration {
	if e.Opened.IsZero() {
		return 0
	}
	return max(e.Closed.Sub(e.Opened), 0)
}
