package pusher

import (
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// subscribe reads a pusher:subscribe. Another one for the same channel is the same subscription.
func (s *session) subscribe(data []rawjson.Member) []protocol.Command {
	channel := text(data, "channel")
	if owner, ok := strings.CutPrefix(channel, UserChannel); ok {
		if s.user == nil || s.user.id != owner {
			return notAuthorized(channel)
		}
		return confirmed(channel, []byte("{}"))
	}
	if most := s.dialect.config.ChannelNameBytes; len(channel) > most || !IsChannel(channel) {
		return unsubscribed(channel[:min(len(channel), most)], "LimitReached",
			"The name of a channel has letters, digits and _-=@,.; and is not too long", unauthorized)
	}
	if _, known := s.channels[channel]; known {
		return nil
	}
	kind := kindOf(channel)
	if !kind.signed() {
		return s.join(channel, nil, nil)
	}
	about := text(data, "channel_data")
	who, refusal := s.memberOf(channel, kind, about)
	if refusal != nil {
		return refusal
	}
	auth, statement := text(data, "auth"), s.socket+":"+channel
	if about != "" {
		statement += ":" + about
	}
	if !strings.HasPrefix(auth, s.key+":") {
		return notAuthorized(channel)
	}
	return []protocol.Command{protocol.Verify{Tag: joining{channel, who}, Credential: protocol.Credential{
		Form: protocol.Signed, Token: auth, For: statement,
		Says: &protocol.Statement{Topics: []protocol.Pattern{protocol.Pattern(channel)}},
	}}}
}

// joining is the tag of a subscription whose signature is checked, and of the one that follows.
type joining struct {
	channel string
	member  *member
}

// memberOf is who is going to be present in a channel: nil where nobody is. Without channel_data it is who has signed
// in.
func (s *session) memberOf(channel string, k kind, data string) (*member, []protocol.Command) {
	if !k.presence {
		return nil, nil
	}
	who := s.user
	if data != "" {
		who = readMember(data, "user_id")
	}
	switch {
	case who == nil || len(who.id) > maxUserID:
		return nil, notAuthorized(channel)
	case len(who.info) > s.dialect.config.UserInfoBytes+maxUserID+len(`{"user_id":"","user_info":}`):
		return nil, unsubscribed(channel, "LimitReached", "The user_info is too large", clientEventRejected)
	}
	return who, nil
}

// maxUserID bounds the user_id of a member, in bytes.
const maxUserID = 128

// verified goes on with a subscription whose signature was checked.
func (s *session) verified(cmd protocol.Verify, outcome protocol.Outcome) []protocol.Command {
	want := cmd.Tag.(joining)
	if outcome.Err != nil {
		return notAuthorized(want.channel)
	}
	return s.join(want.channel, want.member, outcome.Identity)
}

// join subscribes to a channel, and makes the member present there. by is the right to it, nil for the app key's.
func (s *session) join(channel string, who *member, by *protocol.Identity) []protocol.Command {
	filter := protocol.Filter{Exact: true}
	if who != nil {
		filter.Member = &protocol.Member{ID: who.id, Info: who.info}
		filter.Members, filter.MaxMembers = true, s.dialect.config.Members
	}
	return []protocol.Command{protocol.Subscribe{Topic: channel, Filter: filter, Last: kindOf(channel).cache, As: by,
		Tag: joining{channel, who}}}
}

// subscribed confirms a subscription, and tells the last event of a cache channel.
func (s *session) subscribed(cmd protocol.Subscribe, outcome protocol.Outcome) []protocol.Command {
	channel := cmd.Topic
	switch err := outcome.Err; {
	case err == nil:
	case err.Reason == protocol.TooMany:
		return unsubscribed(channel, "LimitReached", err.Error(), overCapacity)
	case err.Reason == protocol.Busy || err.Reason == protocol.Internal:
		return unsubscribed(channel, "ServerError", err.Error(), err.Reason.Status())
	default:
		return notAuthorized(channel)
	}
	who := cmd.Tag.(joining).member
	if s.channels == nil {
		s.channels = map[string]*member{}
	}
	s.channels[channel] = who
	data := []byte("{}")
	if who != nil {
		data = appendPresence(nil, outcome.Members)
	}
	said := confirmed(channel, data)
	if !cmd.Last {
		return said
	}
	if outcome.Last != nil {
		if frame := encode(outcome.Last, channel); frame != nil {
			return append(said, protocol.Send{Text: frame})
		}
	}
	return append(said, say("pusher:cache_miss", channel, nil))
}

func confirmed(channel string, data []byte) []protocol.Command {
	return []protocol.Command{say("pusher_internal:subscription_succeeded", channel, quoted(data))}
}

func (s *session) unsubscribe(channel string) []protocol.Command {
	if _, known := s.channels[channel]; !known {
		return nil
	}
	delete(s.channels, channel)
	return []protocol.Command{protocol.Unsubscribe{Topic: channel}}
}

// maxEventName bounds the name of a client event, in bytes.
const maxEventName = 200

// send publishes a client event.
func (s *session) send(now time.Time, event, channel string, data []byte) []protocol.Command {
	who, known := s.channels[channel]
	most := s.dialect.config.ClientEventBytes
	refusal := ""
	switch {
	case !known || !kindOf(channel).takesClientEvents():
		refusal = "Client events are for private and presence channels that the connection is subscribed to"
	case len(event) > maxEventName:
		refusal = "The name of the event is too long"
	case len(data) > most:
		refusal = "The data of the event is too large"
	case s.countEvent(now) > s.dialect.config.EventsPerSecond:
		refusal = "Too many client events in a second"
	}
	if refusal != "" {
		return []protocol.Command{failed(clientEventRejected, channel, refusal)}
	}
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Named, Data: clientEvent(event, data, who)})
	if err != nil {
		return []protocol.Command{failed(clientEventRejected, channel, err.Error())}
	}
	return []protocol.Command{protocol.Publish{Topic: channel, Event: ev, ExcludeSelf: true}}
}

// countEvent counts a client event, and returns how many there were in this second.
func (s *session) countEvent(now time.Time) int {
	if now.Sub(s.second) >= time.Second {
		s.second, s.events = now, 0
	}
	s.events++
	return s.events
}

// clientEvent is the data of a client event; who is its sender as the channel knows it.
func clientEvent(name string, data []byte, who *member) []byte {
	made := rawjson.AppendText([]byte(`{"event":`), name)
	made = append(append(made, `,"data":`...), orNull(data)...)
	if who != nil {
		id, _ := describe(who.id, who.info)
		made = append(append(made, `,"user_id":`...), id...)
	}
	return append(made, '}')
}

// signIn reads a pusher:signin. The connection becomes that user's.
func (s *session) signIn(data []rawjson.Member) []protocol.Command {
	userData := text(data, "user_data")
	who := readMember(userData, "id")
	if who == nil || !strings.HasPrefix(text(data, "auth"), s.key+":") {
		return refuse(unauthorized, "The sign-in is not authorized")
	}
	s.user = who
	return []protocol.Command{
		protocol.SetEventView{View: protocol.Project([]string{UserChannel + who.id})},
		protocol.Authenticate{Credential: protocol.Credential{
			Form: protocol.Signed, Token: text(data, "auth"), For: s.socket + "::user::" + userData,
			Says: &protocol.Statement{User: who.id, Topics: s.topics},
		}},
	}
}

func (s *session) signedIn(cmd protocol.Authenticate, outcome protocol.Outcome) []protocol.Command {
	if outcome.Err != nil {
		return refuse(unauthorized, "The sign-in is not authorized")
	}
	_, userData, _ := strings.Cut(cmd.Credential.For, "::user::")
	data := append(rawjson.AppendText([]byte(`{"user_data":`), userData), '}')
	return []protocol.Command{say("pusher:signin_success", "", data)}
}
