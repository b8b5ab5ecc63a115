package airlay

import (
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// session is one connection.
type session struct {
	user     string         // whose connection it is
	inside   bool           // user is known
	attached *notifications // nil before the first

	// Of the request that is being done, between two answers of the engine; zero otherwise.
	request  *request
	identity *protocol.Identity
}

// claims say where AirLay's tokens name their user, and that the user must exist. AirLay's own have no sub; one of the
// tenant's other tokens is as good.
var claims = protocol.Claims{User: []string{"data.id", "sub"}, Refuse: []string{"refresh"}, Known: true}

// OnOpen implements protocol.Session. The client speaks first.
func (*session) OnOpen(time.Time, uint64) []protocol.Command { return nil }

// OnTick implements protocol.Session. There is none.
func (*session) OnTick(time.Time) []protocol.Command { return nil }

// Receive implements protocol.Session. A frame is one request, which is done before the next is read, so that replies
// keep the order.
func (s *session) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	r, wrong := read(in)
	if wrong != done {
		return 1, reply(wrong)
	}
	s.request = r
	return 1, []protocol.Command{protocol.Verify{Credential: r.credential()}}
}

func (r *request) credential() protocol.Credential {
	return protocol.Credential{Token: r.auth, Claims: claims}
}

// Answer implements protocol.Session.
func (s *session) Answer(command protocol.Command, outcome protocol.Outcome) []protocol.Command {
	if outcome.Err != nil {
		return s.end(refuse(outcome.Err))
	}
	switch command.(type) {
	case protocol.Verify:
		return s.verified(outcome.Identity)
	case protocol.Authenticate:
		s.user, s.inside = s.identity.User, true
		return append([]protocol.Command{s.attached.view()}, s.act()...)
	}
	return s.acted()
}

// verified goes on with a request whose token holds. The first one makes the connection its user's.
func (s *session) verified(id *protocol.Identity) []protocol.Command {
	switch {
	case s.request.wrong:
		return s.end(replies[badRequest])
	case id == nil || id.User == "":
		return s.end(replies[badToken])
	}
	s.identity = id
	if s.inside {
		return s.act()
	}
	return []protocol.Command{protocol.Authenticate{Credential: s.request.credential(), IgnoreExpiry: true}}
}

// act does what a request asks. All of a user's notifications are no topic, since others' would be in it.
func (s *session) act() []protocol.Command {
	r := s.request
	switch {
	case r.topic == notification && r.attach && s.user != s.identity.User:
		return s.end(replies[noAccess])
	case r.topic == notification:
		return s.acted()
	case r.attach:
		return []protocol.Command{protocol.Subscribe{Topic: r.topic, As: s.identity}}
	}
	return []protocol.Command{protocol.Unsubscribe{Topic: r.topic}}
}

// acted ends a request that was done. The notifications of the connection's user come after the reply to attach, and
// none comes after that to detach.
func (s *session) acted() []protocol.Command {
	r, by, own := s.request, s.identity, s.user == s.identity.User
	reply := s.end(replies[done])
	switch {
	case r.kind != notification || r.attach && !own:
		return reply
	case r.attach:
		if s.attached == nil {
			s.attached = &notifications{}
		}
		s.attached.attach(r.id)
		command := s.attached.view()
		command.As = by
		return append(reply, command)
	}
	s.attached.detach(r.id)
	return append([]protocol.Command{s.attached.view()}, reply...)
}

// ended forgets an attachment whose right has ended.
func (s *session) ended(topic string) []protocol.Command {
	kind, id, below := strings.Cut(topic, "/")
	switch {
	case s.attached == nil:
	case topic == protocol.OwnEvents:
		s.attached = nil
	case kind == notification && below:
		s.attached.detach(id)
		return []protocol.Command{s.attached.view()}
	}
	return nil
}

// end ends a request with its reply.
func (s *session) end(last protocol.Send) []protocol.Command {
	s.request, s.identity = nil, nil
	return []protocol.Command{last}
}

// OnReject implements protocol.Session. A request that was one too many gets its reply; for all else there are no words
// but the close frame. That an attachment has ended with its token nobody asked: a reply to no request would be taken
// for that to the next.
func (s *session) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	switch {
	case !final && refusal.Topic != "":
		return s.ended(refusal.Topic)
	case !final:
		return []protocol.Command{refuse(refusal)}
	case refusal.Reason == protocol.RateLimited:
		return protocol.End(refusal, refuse(refusal).Text)
	}
	return protocol.End(refusal, nil)
}
