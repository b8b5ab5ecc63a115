package centrifuge

import (
	"strconv"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Encode implements protocol.Dialect.
func (*Dialect) Encode(d protocol.Delivery) protocol.Encoded {
	if d.View != protocol.All {
		return protocol.Encoded{}
	}
	ev, text := d.Event, make([]byte, 0, 96+len(d.Event.Topic)+len(d.Event.Data))
	if ev.Topic == "" {
		text = append(append(text, `{"push":{"message":{"data":`...), ev.Data...)
		return protocol.Encoded{Data: append(text, "}}}"...)}
	}
	text = rawjson.AppendText(append(text, `{"push":{"channel":`...), ev.Topic)
	switch ev.Kind {
	case protocol.MemberJoined, protocol.MemberLeft:
		text = appendMember(text, ev)
	default:
		text = appendPublication(append(text, `,"pub":`...), ev, d.Position.Offset)
	}
	return protocol.Encoded{Data: append(text, "}}"...)}
}

// appendMember adds that a member came or left.
func appendMember(text []byte, ev *protocol.Event) []byte {
	word := `,"join":{"info":`
	if ev.Kind == protocol.MemberLeft {
		word = `,"leave":{"info":`
	}
	id, _ := rawjson.Text(ev.Member("id"))
	return append(append(append(text, word...), infoOf(id, ev.Member("info"))...), '}')
}

// infoOf is what is told of a member. One who came by another protocol is named after its ID.
func infoOf(id string, info []byte) []byte {
	if rawjson.Lookup(info, "client") != nil {
		return info
	}
	return member(id, id, nil, nil).Info
}

// appendPublication adds an event; offset is 0 if it is not known.
func appendPublication(text []byte, ev *protocol.Event, offset uint64) []byte {
	text = append(append(text, `{"data":`...), ev.Data...)
	if offset > 0 {
		text = strconv.AppendUint(append(text, `,"offset":`...), offset, 10)
	}
	return append(text, '}')
}
