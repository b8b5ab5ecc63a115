package protocol

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Reason says why something was refused. Reasons are the words of the wire, the logs and the metrics.
type Reason string

// The reasons. The table below, and nothing else, says what each one means outside.
const (
	Malformed      Reason = "malformed"       // it cannot be read
	Unauthorized   Reason = "unauthorized"    // no credential
	InvalidToken   Reason = "invalid_token"   // a credential that does not hold
	TokenExpired   Reason = "token_expired"   // it held until now
	UnknownUser    Reason = "unknown_user"    // it holds, but its user does not exist
	AuthTimeout    Reason = "auth_timeout"    // none came in time
	Forbidden      Reason = "forbidden"       // known, but without the right
	NotFound       Reason = "not_found"       // no such thing
	UnknownChannel Reason = "unknown_channel" // no such channel in this dialect
	UnknownType    Reason = "unknown_type"    // no such message in this dialect
	Conflict       Reason = "conflict"        // it contradicts what is
	PositionLost   Reason = "position_lost"   // history no longer reaches back to there
	TooLarge       Reason = "too_large"       // more bytes than the limit
	TooMany        Reason = "too_many"        // more of them than the limit
	RateLimited    Reason = "rate_limited"    // faster than the limit
	Busy           Reason = "busy"            // a queue is full; later it may work
	StorageFull    Reason = "storage_full"    // no room to keep it; later there may be
	Stale          Reason = "stale"           // it waited too long for somebody to read it
	Slow           Reason = "slow"            // the reader did not keep up
	Silent         Reason = "silent"          // nothing was heard for too long
	Lost           Reason = "lost"            // the connection broke without a goodbye
	Revoked        Reason = "revoked"         // the right was taken back
	Disconnected   Reason = "disconnected"    // somebody asked for it
	Suspended      Reason = "suspended"       // the tenant is switched off for now
	Draining       Reason = "draining"        // this server is going away
	Internal       Reason = "internal"        // our fault
)

// outside is what a client sees of a reason.
type outside struct {
	status  int    // HTTP
	code    uint16 // WebSocket close, RFC 6455 section 7.4
	message string
}

var reasons = map[Reason]outside{
	Malformed:      {400, 1008, "the message cannot be read"},
	Unauthorized:   {401, 1008, "authentication required"},
	InvalidToken:   {401, 1008, "invalid token"},
	TokenExpired:   {401, 1008, "the token has expired"},
	UnknownUser:    {401, 1008, "unknown user"},
	AuthTimeout:    {401, 1008, "no valid token came in time"},
	Forbidden:      {403, 1008, "not allowed"},
	NotFound:       {404, 1008, "not found"},
	UnknownChannel: {404, 1008, "unknown channel"},
	UnknownType:    {400, 1008, "unknown message type"},
	Conflict:       {409, 1008, "conflict"},
	PositionLost:   {409, 1008, "the position is no longer in the history"},
	TooLarge:       {413, 1009, "too large"},
	TooMany:        {429, 1008, "too many"},
	RateLimited:    {429, 1008, "too many requests"},
	Busy:           {503, 1013, "busy, try again"},
	StorageFull:    {503, 1013, "the storage is full, try again later"},
	Stale:          {410, 1008, "too old"},
	Slow:           {503, 1008, "slow consumer"},
	Silent:         {408, 1001, "nothing was heard for too long"},
	Lost:           {408, 1001, "the connection was lost"},
	Revoked:        {403, 1008, "revoked"},
	Disconnected:   {409, 1000, "disconnected"},
	Suspended:      {403, 1008, "suspended"},
	Draining:       {503, 1012, "the server is restarting"},
	Internal:       {500, 1011, "internal error"},
}

// Status is the HTTP status of a refusal for this reason.
func (r Reason) Status() int { return reasons[r.known()].status }

// CloseCode is the WebSocket close code of an end for this reason.
func (r Reason) CloseCode() uint16 { return reasons[r.known()].code }

// Message is the sentence for a client when there is no better one.
func (r Reason) Message() string { return reasons[r.known()].message }

// Reasons are those of the table, sorted.
func Reasons() []Reason { return slices.Sorted(maps.Keys(reasons)) }

// Known reports whether it is one of the table.
func (r Reason) Known() bool {
	_, ok := reasons[r]
	return ok
}

func (r Reason) known() Reason {
	if r.Known() {
		return r
	}
	return Internal
}

// Refusal is an error that a client may see.
type Refusal struct {
	Reason Reason
	// Detail names the thing, the limit and the way out. It is safe to show: it holds no secret and no control
	// character.
	Detail string
	// Topic is that of a subscription that has ended without being asked to, or OwnEvents; "" otherwise.
	Topic string
	// Message is the message that is refused, if the engine refuses it before the session has seen it, so that a
	// dialect whose messages have numbers can name it; nil otherwise. It is valid during Session.OnReject only.
	Message *ClientMessage
	// Close is how the connection is to be closed, if somebody asked for that; nil is by the reason. Only a session
	// that is asked to say its last words sees it.
	Close *Close
	// Rule names the rule or setting that decided, for operators; "" is the one that stands for the reason.
	Rule string
	// RetryAfter is how long to wait before the same thing may work; 0 if waiting does not help or nobody knows.
	RetryAfter time.Duration
}

// OwnEvents stands for what is sent to a connection's user and to everyone (SetEventView) where a topic is named. No
// topic has this name.
const OwnEvents = "\x00own"

// Refuse makes a Refusal with a detail of its own.
func Refuse(r Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return r.Reason.Message()
	}
	return r.Detail
}

// Is makes errors.Is(err, Refuse(reason, "")) compare the reason alone.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Reason == r.Reason
}

// AsRefusal turns any error into what a client may see of it: a Refusal as it is, anything else Internal without
// detail. nil stays nil.
func AsRefusal(err error) *Refusal {
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal
	}
	return &Refusal{Reason: Internal}
}

// Quote makes text from outside fit for a message or a log line: cut to 64 bytes, quoted, nothing unprintable.
func Quote(text string) string {
	const most = 64
	if len(text) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		return strconv.QuoteToGraphic(text[:cut]) + "..."
	}
	return strconv.QuoteToGraphic(text)
}
