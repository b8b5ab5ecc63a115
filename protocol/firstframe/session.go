package firstframe

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// session is a connection whose dialect is not decided.
type session struct {
	dialect  *Dialect
	open     []protocol.Session // of each candidate, nil for one that is none here
	fallback int                // whose words are used, among open
	number   uint64
}

// OnOpen implements protocol.Session. The client speaks first.
func (s *session) OnOpen(_ time.Time, number uint64) []protocol.Command {
	s.number = number
	return nil
}

// Receive implements protocol.Session.
func (s *session) Receive(now time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	if !in.Binary {
		for i, candidate := range s.dialect.candidates {
			if s.open[i] != nil && candidate.Recognises(in.Data) {
				return s.switchTo(now, i, in)
			}
		}
	}
	messages, commands := s.open[s.fallback].Receive(now, in)
	return messages, words(commands)
}

// switchTo hands the connection and its frame to a candidate.
func (s *session) switchTo(now time.Time, i int, in protocol.ClientMessage) (int, []protocol.Command) {
	chosen := s.open[i]
	commands := []protocol.Command{protocol.SwitchDialect{Dialect: s.dialect.candidates[i], Session: chosen}}
	commands = append(commands, chosen.OnOpen(now, s.number)...)
	messages, more := chosen.Receive(now, in)
	return messages, append(commands, more...)
}

// words are those of the commands that say something or end the connection.
func words(commands []protocol.Command) (said []protocol.Command) {
	for _, command := range commands {
		switch command.(type) {
		case protocol.Send, protocol.Close:
			said = append(said, command)
		}
	}
	return said
}

// Answer implements protocol.Session. Nothing is asked that has an outcome.
func (*session) Answer(protocol.Command, protocol.Outcome) []protocol.Command { return nil }

// OnTick implements protocol.Session. There is none.
func (*session) OnTick(time.Time) []protocol.Command { return nil }

// OnReject implements protocol.Session, in the words of the default dialect.
func (s *session) OnReject(now time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	if refusal.Reason == protocol.AuthTimeout {
		return protocol.End(refusal, nil)
	}
	return words(s.open[s.fallback].OnReject(now, refusal, final))
}
