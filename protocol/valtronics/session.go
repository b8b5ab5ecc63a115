package valtronics

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// session is one connection.
type session struct {
	dialect *Dialect
	own     channel // subscribed to after the first auth, "" for none
	inside  bool
	asked   uint16 // tokens that were shown and whose outcome is not known
	failed  uint8  // tokens in a row that did not hold
}

// maxFailures is how many tokens in a row may fail before the connection is closed.
const maxFailures = 5

// maxAuth is how many bytes an auth message may have at least: those of the largest token, and of the message around
// it.
const maxAuth = protocol.MaxToken + 512

// accepted says which tokens open a socket: access and device tokens do, refresh tokens do not.
var accepted = protocol.Claims{Refuse: []string{"refresh"}}

// OnOpen implements protocol.Session. The client speaks first.
func (*session) OnOpen(time.Time, uint64) []protocol.Command { return nil }

// OnTick implements protocol.Session. There is none.
func (*session) OnTick(time.Time) []protocol.Command { return nil }

// alone is the index of a message that is in no batch.
const alone = -1

// Receive implements protocol.Session. A batch counts as its items.
func (s *session) Receive(now time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	if in.Binary {
		refusal := protocol.Refuse(protocol.Malformed, "binary messages are not understood; send JSON as text")
		return 1, []protocol.Command{complain(refusal, "", alone)}
	}
	members, err := rawjson.ReadObject(in.Data)
	if word, _ := rawjson.Text(rawjson.Find(members, "type")); err == nil && word == "batch" {
		return s.batch(now, members)
	}
	return 1, s.message(nil, message{now: now, raw: in.Data, members: members, err: err, index: alone})
}

// message is one message, alone or in a batch.
type message struct {
	now     time.Time
	raw     []byte
	members []rawjson.Member
	err     error // of reading it
	index   int   // in the batch, or alone
}

// member is the raw value of a member; null is as good as none.
func (m *message) member(name string) []byte { return unlessNull(rawjson.Find(m.members, name)) }

func unlessNull(raw []byte) []byte {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// message appends the commands for one message.
func (s *session) message(commands []protocol.Command, m message) []protocol.Command {
	more, channel, refusal := s.understand(m)
	if refusal != nil {
		return append(commands, complain(refusal, channel, m.index))
	}
	return append(commands, more...)
}

// understand turns one message into commands, or says why it cannot, and in which channel.
func (s *session) understand(m message) ([]protocol.Command, channel, *protocol.Refusal) {
	if refusal := s.readable(m); refusal != nil {
		return nil, "", refusal
	}
	word, ok := rawjson.Text(m.member("type"))
	switch {
	case m.member("type") == nil:
		return nil, "", protocol.Refuse(protocol.Malformed, "Missing message type")
	case !ok:
		return nil, "", protocol.Refuse(protocol.Malformed, "type must be a string")
	}
	switch word {
	case "auth":
		return s.auth(m), "", nil
	case "ping":
		return []protocol.Command{pong(m)}, "", nil
	case "subscribe", "unsubscribe":
		if !s.inside && s.asked == 0 {
			return nil, "", protocol.Refuse(protocol.Unauthorized, `authenticate first: {"type":"auth","token":"..."}`)
		}
		if word == "subscribe" {
			return subscribe(m)
		}
		return unsubscribe(m)
	case "error", "error_report":
		return s.report(m), "", nil
	case "pong":
		return nil, "", nil
	case "batch":
		return nil, "", protocol.Refuse(protocol.Malformed, "a batch cannot be inside a batch")
	}
	return nil, "", protocol.Refuse(protocol.UnknownType,
		"unknown message type%s; known are auth, subscribe, unsubscribe, ping, batch, error_report", plain(word))
}

// readable says why a message cannot be read. Its size comes first, so that the limit is what is named.
func (s *session) readable(m message) *protocol.Refusal {
	most := s.dialect.config.MessageBytes
	if word, _ := rawjson.Text(m.member("type")); word == "auth" {
		most = max(most, maxAuth)
	}
	switch {
	case len(m.raw) > most:
		return protocol.Refuse(protocol.TooLarge,
			"the message has %d bytes; the limit is %d (only a batch may have more, in messages of at most %d)",
			len(m.raw), most, most)
	case errors.Is(m.err, rawjson.ErrNotObject):
		return protocol.Refuse(protocol.Malformed, "a message must be a JSON object")
	case m.err != nil:
		return protocol.Refuse(protocol.Malformed, "the message is no valid JSON (UTF-8, no member twice)")
	}
	return nil
}

func (s *session) auth(m message) []protocol.Command {
	token, _ := rawjson.Text(m.member("token"))
	if token == "" {
		return s.deny(protocol.Refuse(protocol.InvalidToken, "token is missing or not a string"))
	}
	s.asked++
	return []protocol.Command{protocol.Authenticate{Credential: protocol.Credential{Token: token, Claims: accepted}}}
}

// deny answers a token that did not hold.
func (s *session) deny(refusal *protocol.Refusal) []protocol.Command {
	s.failed++
	denied := denial(refusal)
	switch reason := refusal.Reason; {
	case reason == protocol.TooMany || reason == protocol.RateLimited || reason == protocol.Draining:
		return protocol.End(refusal, denied)
	case s.failed >= maxFailures:
		return protocol.End(&protocol.Refusal{Reason: protocol.InvalidToken}, denied)
	}
	return []protocol.Command{protocol.Send{Text: denied}}
}

// report hands on what a client tells of its own errors, fit for a log: one line, nothing invisible. Strangers are not
// listened to.
func (s *session) report(m message) []protocol.Command {
	if !s.inside {
		return nil
	}
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, string(m.raw))
	return []protocol.Command{protocol.Report{Kind: "error", Data: []byte(line)}}
}

// Answer implements protocol.Session.
func (s *session) Answer(command protocol.Command, outcome protocol.Outcome) []protocol.Command {
	switch cmd := command.(type) {
	case protocol.Authenticate:
		s.asked--
		if outcome.Err != nil {
			return s.deny(outcome.Err)
		}
		return s.enter()
	case protocol.Subscribe:
		if outcome.Err != nil {
			return []protocol.Command{complain(outcome.Err, root(cmd.Topic), indexOf(cmd.Tag))}
		}
	}
	return nil
}

// enter welcomes a client whose token held. The first time, the endpoint's own channel is subscribed to.
func (s *session) enter() []protocol.Command {
	s.failed = 0
	commands := []protocol.Command{protocol.Send{Text: welcome}}
	if !s.inside && s.own != "" {
		commands = append(commands, protocol.Subscribe{Topic: string(s.own)})
	}
	s.inside = true
	return commands
}

// OnReject implements protocol.Session. A message tells the client what it did wrong; for all else the close code does.
func (s *session) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	if !final {
		return []protocol.Command{complain(refusal, "", alone)}
	}
	switch refusal.Reason {
	case protocol.AuthTimeout:
		return protocol.End(refusal, denial(refusal))
	case protocol.Draining, protocol.Disconnected, protocol.Slow, protocol.Silent:
		return protocol.End(refusal, nil)
	}
	return protocol.End(refusal, problem(refusal, "", alone))
}
