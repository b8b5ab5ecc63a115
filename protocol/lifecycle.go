package protocol

import (
	"slices"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// LifecycleType is what may happen to a connection or user, as the backend of its tenant is told.
type LifecycleType string

// The happenings.
const (
	UserOnline    LifecycleType = "user_online"  // a user's first connection came
	UserOffline   LifecycleType = "user_offline" // its last one left
	Connected     LifecycleType = "connected"    // a connection knows whose it is; before that nothing is told of it
	Disconnection LifecycleType = "disconnected" // it left; its subscriptions ended with it
	Subscribed    LifecycleType = "subscribed"   // it hears a topic
	Unsubscribed  LifecycleType = "unsubscribed" // it does not any more
)

var lifecycleTypes = []LifecycleType{UserOnline, UserOffline, Connected, Disconnection, Subscribed, Unsubscribed}

// LifecycleTypes returns all of them.
func LifecycleTypes() []LifecycleType { return slices.Clone(lifecycleTypes) }

// Bit is a bit of its own, for sets; 0 for what is none of them.
func (h LifecycleType) Bit() uint32 {
	for i, known := range lifecycleTypes {
		if h == known {
			return 1 << i
		}
	}
	return 0
}

// Lifecycle is one thing that happened to a connection or user of a tenant. Nothing in it is a secret: no token, no
// address, no message.
type Lifecycle struct {
	Type LifecycleType
	// Number counts from 1 in an epoch, which is new with each start. A number that is missing was lost.
	Epoch  string
	Number uint64
	Time   time.Time

	User                       string // "" for an anonymous connection
	Connection, Dialect, Topic string // where they apply
	// Restored says of a subscription that the client had it before its connection broke.
	Restored bool
	// Left says how a connection ended; nil for all else.
	Left *Leaving
}

// Leaving is how a connection ended.
type Leaving struct {
	Reason Reason
	// Code is the WebSocket close code that the client was told, or that fits if it told us nothing.
	Code uint16
	// ByServer says that the server ended it, else its client or the network did.
	ByServer bool
	// Lingers says that its client may come back and find its subscriptions.
	Lingers bool
	Lasted  time.Duration
	// Received and Sent count messages up to then; what was still waiting for the client is not in them.
	Received, Sent uint64
}

// AppendJSON appends the event as backends read it: one JSON object, whose members are documented in /openapi.json.
func (l *Lifecycle) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, l.Type...)
	dst = append(dst, `","epoch":`...)
	dst = rawjson.AppendText(dst, l.Epoch)
	dst = append(dst, `,"number":`...)
	dst = strconv.AppendUint(dst, l.Number, 10)
	dst = l.Time.UTC().AppendFormat(append(dst, `,"time":"`...), "2006-01-02T15:04:05.000Z")
	dst = append(dst, '"')
	for _, m := range [...]struct{ name, text string }{
		{"user", l.User}, {"connection", l.Connection}, {"dialect", l.Dialect}, {"topic", l.Topic},
	} {
		if m.text != "" {
			dst = rawjson.AppendText(append(append(append(dst, `,"`...), m.name...), `":`...), m.text)
		}
	}
	if l.Restored {
		dst = append(dst, `,"restored":true`...)
	}
	if l.Left != nil {
		dst = l.Left.appendJSON(dst)
	}
	return append(dst, '}')
}

func (l *Leaving) appendJSON(dst []byte) []byte {
	dst = rawjson.AppendText(append(dst, `,"reason":`...), string(l.Reason))
	dst = strconv.AppendUint(append(dst, `,"code":`...), uint64(l.Code), 10)
	by := `,"by":"client"`
	if l.ByServer {
		by = `,"by":"server"`
	}
	dst = append(dst, by...)
	if l.Lingers {
		dst = append(dst, `,"lingers":true`...)
	}
	dst = strconv.AppendFloat(append(dst, `,"seconds":`...), l.Lasted.Seconds(), 'f', 3, 64)
	dst = strconv.AppendUint(append(dst, `,"received":`...), l.Received, 10)
	return strconv.AppendUint(append(dst, `,"sent":`...), l.Sent, 10)
}

// LifecycleTopic is the topic of a tenant that holds what happened to its connections and users, if that is switched
// on. Clients cannot hear it and nobody can publish to it; backends read its history.
const LifecycleTopic = "$lifecycle"

// Reserved reports whether a topic is the server's own, or lies below one that is.
func Reserved(topic string) bool { return Under(topic, LifecycleTopic) }
