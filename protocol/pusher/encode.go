package pusher

import (
	"bytes"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Encode implements protocol.Dialect.
func (*Dialect) Encode(d protocol.Delivery) protocol.Encoded {
	channel := d.Event.Topic
	if channel == "" {
		if d.View == protocol.None {
			return protocol.Encoded{} // nobody has signed in
		}
		channel = strings.TrimPrefix(string(d.View), "\x00")
	}
	return protocol.Encoded{Data: encode(d.Event, channel)}
}

func encode(ev *protocol.Event, channel string) []byte {
	name, data := rawjson.AppendText(nil, string(ev.Kind)), ev.Data
	switch ev.Kind {
	case protocol.MemberJoined:
		id, info := describe(ev.Text("id"), ev.Member("info"))
		return encodeMember(`"pusher_internal:member_added"`, channel, id, orNull(info))
	case protocol.MemberLeft:
		id, _ := describe(ev.Text("id"), ev.Member("info"))
		return encodeMember(`"pusher_internal:member_removed"`, channel, id, nil)
	case protocol.Named:
		name, data = ev.Member("event"), ev.Member("data")
		if isClientEvent(name) {
			return encodeClientEvent(ev, name, data, channel)
		}
	case protocol.JSON:
		if event := ev.Member("event"); len(event) > 0 && event[0] == '"' {
			name = event
		}
	}
	if bytes.HasPrefix(name, []byte(`"pusher:`)) || bytes.HasPrefix(name, []byte(`"pusher_internal:`)) {
		return nil // these are the server's own
	}
	if data[0] != '"' {
		data = quoted(data)
	}
	return appendFrame(make([]byte, 0, len(data)+len(name)+len(channel)+40), name, channel, data)
}

func encodeMember(event, channel string, id, info []byte) []byte {
	data := append([]byte(`{"user_id":`), id...)
	if info != nil {
		data = append(append(data, `,"user_info":`...), info...)
	}
	return appendFrame(nil, []byte(event), channel, quoted(append(data, '}')))
}

// clientPrefix begins the names of events that clients send.
const clientPrefix = "client-"

func isClientEvent(name []byte) bool { return bytes.HasPrefix(name, []byte(`"`+clientPrefix)) }

// encodeClientEvent passes the data on as the client gave it.
func encodeClientEvent(ev *protocol.Event, name, data []byte, channel string) []byte {
	text := appendFrame(make([]byte, 0, len(ev.Data)+len(channel)+40), name, channel, data)
	if user := ev.Member("user_id"); user != nil {
		text = append(append(text[:len(text)-1], `,"user_id":`...), user...)
		text = append(text, '}')
	}
	return text
}
