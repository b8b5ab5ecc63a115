package airlay

import "github.com/parley-realtime/parley/protocol"

// Encode implements protocol.Dialect.
func (*Dialect) Encode(ev *protocol.Event, view protocol.View) []byte {
	switch ev.Kind {
	case protocol.Object:
		if ev.Topic == "" && view == protocol.Nothing {
			return nil // a notification for a user who has detached from them here
		}
		return encodeObject(ev)
	case protocol.Message:
		text := append(make([]byte, 0, len(ev.Data)+80), `{"type":"notification","id":"","data":{"level":`...)
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
	return nil
}

// encodeObject says an object to those who are attached to it. Of what is sent to users instead of a topic, only
// notifications are a user's.
func encodeObject(ev *protocol.Event) []byte {
	if ev.Topic == "" && ev.Text("type") != notification {
		return nil
	}
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
