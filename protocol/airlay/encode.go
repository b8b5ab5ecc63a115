package airlay

import (
	"bytes"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Encode implements protocol.Dialect. A push goes to those who are attached to its type and id: by its topic, or, if it
// is a notification that was sent to users, by what each of their connections is attached to.
func (*Dialect) Encode(d protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: encode(d.Event, d.View)}
}

func encode(ev *protocol.Event, view protocol.Projection) []byte {
	switch ev.Kind {
	case protocol.Object:
		if attachedTo(ev, view) {
			return encodeObject(ev)
		}
	case protocol.Message:
		id, ofID := strings.CutPrefix(ev.Topic, notification+"/")
		if ofID || ev.Topic == "" && view == protocol.All {
			return encodeMessage(ev, id)
		}
	}
	return nil
}

// attachedTo reports whether the receiver of the event is attached to the event's object.
func attachedTo(ev *protocol.Event, view protocol.Projection) bool {
	kind, id := ev.Member("type"), ev.Member("id")
	if ev.Topic != "" {
		typ, rest, _ := strings.Cut(ev.Topic, "/")
		return says(kind, typ) && says(id, rest)
	}
	if !says(kind, notification) || view == protocol.None {
		return false
	}
	if view == protocol.All {
		return true
	}
	text, _ := rawjson.Scalar(id)
	return view.Includes(text)
}

// says reports whether a JSON text or number is written so.
func says(raw []byte, text string) bool {
	if raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1:len(raw)-1]) == text
	}
	scalar, _ := rawjson.Scalar(raw)
	return scalar == text
}

// encodeMessage says a message as a notification with an id, which is "" if it was sent to users.
func encodeMessage(ev *protocol.Event, id string) []byte {
	text := append(make([]byte, 0, len(ev.Data)+80+len(id)), `{"type":"notification","id":`...)
	text = append(rawjson.AppendText(text, id), `,"data":{"level":`...)
	text = append(text, ev.Member("level")...)
	text = append(append(text, `,"message":`...), ev.Member("message")...)
	text = append(text, `,"title":`...)
	if title := ev.Member("title"); len(title) > 0 && title[0] == '"' {
		text = append(text, title...)
	} else {
		text = append(text, `""`...)
	}
	return append(text, "}}"...)
}

func encodeObject(ev *protocol.Event) []byte {
	text := append(make([]byte, 0, len(ev.Data)+40), `{"type":`...)
	text = append(append(text, ev.Member("type")...), `,"id":`...)
	if id := ev.Member("id"); id[0] == '"' {
		text = append(text, id...)
	} else {
		text = append(append(append(text, '"'), id...), '"')
	}
	text = append(text, `,"data":`...)
	if data := ev.Member("data"); len(data) > 0 && (data[0] == '[' || data[0] == '{') {
		text = append(text, data...)
	} else {
		text = append(text, "[]"...)
	}
	return append(text, '}')
}
