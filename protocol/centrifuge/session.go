package centrifuge

import (
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// stage is how far a connection has come.
type stage uint8

const (
	fresh      stage = iota // it has not connected, or its token had expired
	connecting              // the engine looks at its token
	connected
)

// session is one client.
type session struct {
	dialect  *Dialect
	number   uint64
	stage    stage
	user     string
	info     []byte              // of the token; what others are told of the client
	channels map[string]*channel // by name: those that are subscribed to or about to be; nil before the first
	logins   []login             // connects and refreshes that the engine has not answered yet
	timing
}

// channel is what a session knows of one subscription.
type channel struct {
	joinLeave bool
	info      []byte // of its token
}

// client is the id by which the client, and others in its channels, know the connection.
func (s *session) client() string { return "ws-" + strconv.FormatUint(s.number, 10) }

// OnOpen implements protocol.Session. The client speaks first.
func (s *session) OnOpen(_ time.Time, number uint64) []protocol.Command {
	s.number = number
	return nil
}

// Receive implements protocol.Session. Each line of a frame is a command.
func (s *session) Receive(now time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	all, ok := lines(in.Data)
	if !ok {
		return len(all), []protocol.Command{malformed}
	}
	var commands []protocol.Command
	for _, line := range all {
		r, ok := parse(line)
		if ok = ok && s.admits(&r); !ok {
			return len(all), append(commands, malformed)
		}
		commands = append(commands, s.do(now, &r)...)
	}
	return len(all), commands
}

// admits reports whether a command may come now: connect first and once, all others behind it, and a pong when it was
// asked for.
func (s *session) admits(r *request) bool {
	switch r.method {
	case "":
		return !s.pongBy.IsZero()
	case "connect":
		return s.stage == fresh
	}
	return s.stage != fresh
}

func (s *session) do(now time.Time, r *request) []protocol.Command {
	switch r.method {
	case "":
		s.pongBy = time.Time{}
		return []protocol.Command{s.schedule(now)}
	case "connect":
		return s.connect(r)
	case "refresh":
		return s.refresh(r)
	case "rpc":
		return []protocol.Command{fail(r.id, notAvailable)}
	case "send":
		return []protocol.Command{unavailable}
	}
	name := r.text("channel")
	if name == "" {
		return []protocol.Command{malformed}
	}
	if protocol.CheckTopic(name) != nil {
		return []protocol.Command{fail(r.id, badRequest)}
	}
	of, known := s.dialect.config.namespace(name)
	if !known {
		return []protocol.Command{fail(r.id, unknownChannel)}
	}
	switch r.method {
	case "presence", "presence_stats":
		if !of.Presence {
			return []protocol.Command{fail(r.id, notAvailable)}
		}
	case "subscribe":
		return s.subscribe(r, name)
	case "unsubscribe":
		return s.unsubscribe(r, name)
	case "sub_refresh":
		return s.refreshChannel(r, name)
	}
	return ask(r, name)
}

// Answer implements protocol.Session.
func (s *session) Answer(command protocol.Command, outcome protocol.Outcome) []protocol.Command {
	switch command := command.(type) {
	case protocol.Authenticate:
		return s.authenticated(outcome)
	case protocol.Verify:
		return s.verified(command.Tag.(*subscription), outcome)
	case protocol.Subscribe:
		return s.subscribed(command, outcome)
	case protocol.Unsubscribe:
		return []protocol.Command{done(command.Tag.(uint32), "unsubscribe")}
	case protocol.Publish:
		if outcome.Err != nil {
			return failed(command.Tag.(uint32), outcome.Err)
		}
		return []protocol.Command{done(command.Tag.(uint32), "publish")}
	case protocol.ReadHistory:
		return history(command, outcome)
	case protocol.ReadMembers:
		return present(command.Tag.(question), outcome)
	}
	return nil
}

// done is the reply to a command of which there is nothing to say.
func done(id uint32, method string) protocol.Send {
	return protocol.Send{Text: append(appendID(nil, id, method), "}}"...)}
}

// OnReject implements protocol.Session.
func (s *session) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) (commands []protocol.Command) {
	switch {
	case final:
		return []protocol.Command{endOf(refusal)}
	case refusal.Topic != "":
		return s.ended(refusal)
	case refusal.Message == nil:
		return nil
	}
	all, _ := lines(refusal.Message.Data)
	for _, line := range all {
		if r, ok := parse(line); ok && r.id > 0 {
			commands = append(commands, fail(r.id, codeOf(refusal)))
		}
	}
	return commands
}
