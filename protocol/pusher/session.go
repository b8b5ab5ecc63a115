package pusher

import (
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// session is what one client has said so far.
type session struct {
	dialect  *Dialect
	key      string
	refused  []protocol.Command // what is said instead of a welcome; nil if the client is welcome
	socket   string
	topics   []protocol.Pattern // that the app's key grants
	channels map[string]*member // that it is subscribed to; nil for those without presence
	user     *member            // as whom it has signed in, nil for nobody
	second   time.Time          // in which client events are counted
	events   int
}

// OnOpen implements protocol.Session.
func (s *session) OnOpen(_ time.Time, number uint64) []protocol.Command {
	if s.refused != nil {
		return s.refused
	}
	s.socket = s.dialect.socketID(number)
	return []protocol.Command{
		protocol.SetEventView{View: protocol.None},
		protocol.Authenticate{Credential: protocol.Credential{Form: protocol.AppKey, For: s.key}},
	}
}

// Receive implements protocol.Session.
func (s *session) Receive(now time.Time, frame protocol.ClientMessage) (int, []protocol.Command) {
	members, err := rawjson.ReadObject(frame.Data)
	event, ok := rawjson.Text(rawjson.Find(members, "event"))
	if err != nil || !ok || frame.Binary {
		return 1, []protocol.Command{failed(reconnect, "", "Invalid message format")}
	}
	data := rawjson.Find(members, "data")
	switch event {
	case "pusher:ping":
		return 1, []protocol.Command{say("pusher:pong", "", []byte(`"{}"`))}
	case "pusher:subscribe":
		return 1, s.subscribe(object(data))
	case "pusher:unsubscribe":
		return 1, s.unsubscribe(text(object(data), "channel"))
	case "pusher:signin":
		return 1, s.signIn(object(data))
	}
	if strings.HasPrefix(event, clientPrefix) {
		return 1, s.send(now, event, text(members, "channel"), data)
	}
	return 1, nil
}

// object reads the data of a client's message, which is an object, or a string with the JSON of one.
func object(data []byte) []rawjson.Member {
	if inner, ok := rawjson.Text(data); ok {
		data = []byte(inner)
	}
	members, _ := rawjson.ReadObject(data)
	return members
}

func text(members []rawjson.Member, name string) string {
	value, _ := rawjson.Text(rawjson.Find(members, name))
	return value
}

// Answer implements protocol.Session.
func (s *session) Answer(command protocol.Command, outcome protocol.Outcome) []protocol.Command {
	switch cmd := command.(type) {
	case protocol.Authenticate:
		if s.topics == nil && s.user == nil && cmd.Credential.Form == protocol.AppKey {
			return s.welcome(outcome)
		}
		return s.signedIn(cmd, outcome)
	case protocol.Verify:
		return s.verified(cmd, outcome)
	case protocol.Subscribe:
		return s.subscribed(cmd, outcome)
	case protocol.Publish:
		if outcome.Err != nil {
			return []protocol.Command{failed(clientEventRejected, cmd.Topic, outcome.Err.Error())}
		}
	}
	return nil
}

func (s *session) welcome(outcome protocol.Outcome) []protocol.Command {
	if err := outcome.Err; err != nil {
		if err.Reason == protocol.InvalidToken {
			return refuse(unknownApp, "There is no app with this key")
		}
		return refuse(closeCode(err.Reason), err.Error())
	}
	s.topics = outcome.Identity.Topics
	data := rawjson.AppendText([]byte(`{"socket_id":`), s.socket)
	data = appendNumber(append(data, `,"activity_timeout":`...), int(s.dialect.config.ActivityTimeout.Seconds()))
	said := []protocol.Command{say("pusher:connection_established", "", quoted(append(data, '}')))}
	if within := s.dialect.config.SignInTimeout; within > 0 {
		said = append(said, protocol.SetInterval{Every: within})
	}
	return said
}

// OnTick implements protocol.Session. The first tick comes when the time to sign in is over.
func (s *session) OnTick(time.Time) []protocol.Command {
	if s.user == nil {
		return refuse(unauthorized, "The client did not sign in in time")
	}
	return []protocol.Command{protocol.SetInterval{}}
}

// OnReject implements protocol.Session.
func (s *session) OnReject(_ time.Time, err *protocol.Refusal, final bool) []protocol.Command {
	switch {
	case final && err.Close != nil:
		return refuse(err.Close.Code, err.Error())
	case final:
		return refuse(closeCode(err.Reason), err.Error())
	case err.Topic == protocol.OwnEvents:
		return nil
	case err.Topic != "":
		delete(s.channels, err.Topic)
		return notAuthorized(err.Topic)
	}
	return []protocol.Command{failed(clientEventRejected, "", err.Error())}
}
