package dashboard

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// stage is how far a connection has come.
type stage uint8

const (
	settling stage = iota // nothing is said yet
	waiting               // for a token
	checking              // whether it holds
	inside
)

// session is one dashboard page.
type session struct {
	dialect *Dialect
	token   string // from the query, until it was shown
	number  uint64
	stage   stage
}

var (
	denied = []byte(`{"event":"error","message":"Authentication required"}`)
	pong   = []byte(`{"event":"pong"}`)
)

// accepted says which tokens open a socket: access tokens do, refresh tokens do not.
var accepted = protocol.Claims{Refuse: []string{"refresh"}}

// OnOpen implements protocol.Session.
func (s *session) OnOpen(_ time.Time, number uint64) []protocol.Command {
	s.number = number
	if s.dialect.config.MultiTenant && s.token == "" {
		s.stage = waiting
		return nil
	}
	return []protocol.Command{protocol.SetInterval{Every: settle}}
}

// settle is how long a client has to attach its handlers, or to speak first, before it is said that it is connected.
const settle = 30 * time.Millisecond

// begin ends the settling.
func (s *session) begin() []protocol.Command {
	credential := protocol.Credential{Token: s.token, Claims: accepted}
	if !s.dialect.config.MultiTenant {
		credential = protocol.Credential{Claims: protocol.Claims{Anonymous: true}}
	}
	s.token, s.stage = "", checking
	return []protocol.Command{protocol.SetInterval{}, protocol.Authenticate{Credential: credential}}
}

// show has a token checked.
func (s *session) show(token string) []protocol.Command {
	if s.stage == waiting {
		s.stage = checking
	}
	return []protocol.Command{protocol.Authenticate{Credential: protocol.Credential{Token: token, Claims: accepted}}}
}

// Receive implements protocol.Session. Every frame counts as one message.
func (s *session) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	return 1, s.receive(in)
}

func (s *session) receive(in protocol.ClientMessage) []protocol.Command {
	var said said
	if !in.Binary {
		said = read(in.Data)
	}
	switch {
	case s.stage == settling && said.ping:
		return append(s.begin(), protocol.Send{Text: pong})
	case s.stage == settling:
		return s.begin()
	case said.token != "" && (s.stage == waiting || s.stage == inside && s.dialect.config.MultiTenant):
		return s.show(said.token)
	case s.stage == waiting && !said.ping:
		return deny(protocol.Unauthorized)
	case s.stage == inside && said.ping:
		return []protocol.Command{protocol.Send{Text: pong}}
	}
	return nil
}

// said is what a frame says, as far as a dashboard has words for it.
type said struct {
	ping  bool
	token string
}

// read finds the meaning of a text frame. Most have none.
func read(text []byte) (what said) {
	text = bytes.TrimSpace(text)
	switch string(text) {
	case `ping`, `"ping"`:
		return said{ping: true}
	}
	members, err := rawjson.ReadObject(text)
	if err != nil {
		return said{}
	}
	what.token, _ = rawjson.Text(rawjson.Find(members, "token"))
	for _, name := range []string{"event", "type", "action"} {
		if word, _ := rawjson.Text(rawjson.Find(members, name)); word == "ping" {
			what.ping = true
		}
	}
	return what
}

// Answer implements protocol.Session.
func (s *session) Answer(command protocol.Command, outcome protocol.Outcome) []protocol.Command {
	switch command.(type) {
	case protocol.Authenticate:
		if s.stage == inside {
			return nil // a refresh, which holds or is ignored
		}
		return s.enter(outcome)
	case protocol.Subscribe:
		if outcome.Err != nil {
			return s.reject(outcome.Err)
		}
	case protocol.CountConnections:
		if outcome.Err == nil {
			return []protocol.Command{protocol.Send{Text: heartbeat(outcome.Now, outcome.Count)}}
		}
	}
	return nil
}

// enter lets a client in whose token was checked.
func (s *session) enter(outcome protocol.Outcome) []protocol.Command {
	if outcome.Err != nil {
		return s.reject(outcome.Err)
	}
	topics := granted(outcome.Identity)
	if topics == nil {
		return deny(protocol.Forbidden)
	}
	s.stage = inside
	commands := make([]protocol.Command, 0, len(topics)+2)
	for _, topic := range topics {
		commands = append(commands, protocol.Subscribe{Topic: topic})
	}
	return append(commands, protocol.Send{Text: s.connected()}, protocol.SetInterval{Every: s.dialect.heartbeat})
}

// granted are the topics that an identity may hear here: all projects, or those that its token names.
func granted(id *protocol.Identity) []string {
	if id == nil {
		return nil
	}
	if id.May(projects) {
		return []string{projects}
	}
	var topics []string
	for _, p := range id.Topics {
		topic := string(p)
		if len(topics) < subscriptions && topic != "" && protocol.Under(topic, projects) &&
			protocol.CheckTopic(topic) == nil &&
			!slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

func (s *session) connected() []byte {
	text := append(make([]byte, 0, 80), `{"event":"connected","client_id":"ws-`...)
	text = strconv.AppendUint(text, s.number, 10)
	text = append(text, '"')
	return append(text, s.dialect.connected...)
}

// OnTick implements protocol.Session.
func (s *session) OnTick(time.Time) []protocol.Command {
	if s.stage == settling {
		return s.begin()
	}
	return []protocol.Command{protocol.CountConnections{}}
}

// OnReject implements protocol.Session.
func (s *session) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	if !final {
		return []protocol.Command{protocol.Send{Text: problem(refusal)}}
	}
	return s.reject(refusal)
}

// reject ends the connection. An event tells the client only of a refusal that it can mend; for all others the close
// code does.
func (s *session) reject(refusal *protocol.Refusal) []protocol.Command {
	switch refusal.Reason {
	case protocol.Unauthorized, protocol.InvalidToken, protocol.TokenExpired, protocol.UnknownUser,
		protocol.AuthTimeout,
		protocol.Forbidden, protocol.Revoked:
		return deny(refusal.Reason)
	case protocol.Draining, protocol.Disconnected, protocol.Slow, protocol.Silent:
		return protocol.End(refusal, nil)
	}
	return protocol.End(refusal, problem(refusal))
}

// deny ends a connection in the document's own words.
func deny(refusal protocol.Reason) []protocol.Command {
	return []protocol.Command{protocol.Send{Text: denied}, protocol.Close{Code: 1008, Reason: string(refusal)}}
}
