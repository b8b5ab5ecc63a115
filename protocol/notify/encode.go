package notify

import "github.com/parley-realtime/parley/protocol"

// Encode implements protocol.Dialect.
func (*Dialect) Encode(d protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: encode(d.Event)}
}

func encode(ev *protocol.Event) []byte {
	switch ev.Kind {
	case protocol.JSON:
		return ev.Data
	case protocol.Message:
		text := append(make([]byte, 0, len(ev.Data)+40), `{"message":`...)
		text = append(text, ev.Member("message")...)
		text = append(append(text, `,"level":`...), ev.Member("level")...)
		text = append(text, `,"title":`...)
		if title := ev.Member("title"); len(title) > 0 && title[0] == '"' {
			text = append(text, title...)
		} else {
			text = append(text, `""`...)
		}
		return append(text, '}')
	}
	return nil
}
