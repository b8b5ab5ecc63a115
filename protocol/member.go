package protocol

import (
	"time"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Member is somebody who is present in a topic: a user, or one client. Connections that name the same ID are one
// member.
type Member struct {
	ID string
	// Info is what others are told of the member, a JSON value; nil for nothing.
	Info []byte
}

// MaxMemberInfo bounds a Member.Info, in bytes.
const MaxMemberInfo = 4 << 10

// The kinds of events by which subscriptions with Filter.Members hear who comes and goes. Nobody can publish them, they
// have no position, and no topic remembers them.
const (
	MemberJoined Kind = "member_joined" // the member's first connection subscribed
	MemberLeft   Kind = "member_left"   // its last one is not subscribed any more
)

// MemberEvent is the event that a member came to a topic or left it. Its data are {"id":ID,"info":INFO}.
func MemberEvent(kind Kind, topic string, m Member, at time.Time) *Event {
	data := rawjson.AppendText([]byte(`{"id":`), m.ID)
	data = append(data, `,"info":`...)
	if m.Info != nil {
		data = append(data, m.Info...)
	} else {
		data = append(data, "null"...)
	}
	data = append(data, '}')
	members := rawjson.Split(make([]rawjson.Member, 0, 2), data, []string{"id", "info"})
	return &Event{Kind: kind, Topic: topic, Time: at, Data: data, members: members}
}

// isMember reports whether the event is about a member.
func (ev *Event) isMember() bool { return ev.Kind == MemberJoined || ev.Kind == MemberLeft }
