package websocket

import (
	"context"
	"log/slog"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// record writes down, at debug level, that a message was received or is about to be sent: what kind of thing it is and
// how large, and nothing of what it says.
func (s *socket) record(direction string, op outbox.Op, data []byte) {
	attributes := make([]slog.Attr, 0, 6)
	if known, ok := s.link.(interface{ ID() string }); ok {
		attributes = append(attributes, slog.String("connection", known.ID()))
	}
	attributes = append(attributes, slog.String("direction", direction), slog.Int("size", len(data)))
	if op == outbox.Text {
		word, channel := kind(data)
		attributes = append(attributes, slog.String("type", word), slog.String("channel", channel))
	} else {
		attributes = append(attributes, slog.String("type", "binary"))
	}
	s.server.config.Logger.LogAttrs(context.Background(), slog.LevelDebug, "message", attributes...)
}

// recordSent writes down the messages among some frames.
func (s *socket) recordSent(frames []*outbox.Frame) {
	for _, f := range frames {
		if f.Op == outbox.Text || f.Op == outbox.Binary {
			s.record("sent", f.Op, f.Data)
		}
	}
}

// kinds are the members by which the protocols call their messages, the first that is there wins.
var kinds = []string{"type", "event", "message_type", "action", "instruction"}

// kind reads what a message calls itself, and its channel; "" for what has no such word.
func kind(data []byte) (word, channel string) {
	members, err := rawjson.ReadObject(data)
	if err != nil {
		return "", ""
	}
	for _, name := range kinds {
		if word = plainWord(rawjson.Find(members, name)); word != "" {
			break
		}
	}
	return word, plainWord(rawjson.Find(members, "channel"))
}

// plainWord is a JSON string or number that can be a word of a protocol; anything longer or stranger might be a secret.
func plainWord(raw []byte) string {
	const longest = 32
	text, ok := rawjson.Scalar(raw)
	if !ok || len(text) > longest {
		return ""
	}
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return ""
		}
	}
	return text
}
