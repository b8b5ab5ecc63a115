package websocket

import (
	"context"
	"log/slog"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// logMessage writes a line at debug level about a message that was received or is about to be sent: its type and size,
// and nothing of what it says.
func logMessage(s *socket, direction string, op outbox.Op, data []byte) {
	attributes := make([]slog.Attr, 0, 6)
	if named, ok := s.link.(interface{ ID() string }); ok {
		attributes = append(attributes, slog.String("connection", named.ID()))
	}
	attributes = append(attributes, slog.String("direction", direction), slog.Int("size", len(data)))
	if op == outbox.Text {
		word, channel := messageType(data)
		attributes = append(attributes, slog.String("type", word), slog.String("channel", channel))
	} else {
		attributes = append(attributes, slog.String("type", "binary"))
	}
	s.server.config.Logger.LogAttrs(context.Background(), slog.LevelDebug, "message", attributes...)
}

// logSent writes a line about each message among some frames that are about to be sent.
func logSent(s *socket, frames []*outbox.Frame) {
	for _, first := range frames {
		for f := first; f != nil; f = f.Next {
			logFrame(s, f)
		}
	}
}

func logFrame(s *socket, f *outbox.Frame) {
	if f.Op == outbox.Text || f.Op == outbox.Binary {
		logMessage(s, "sent", f.Op, f.Data)
	}
}

// typeMembers are the JSON members by which the protocols name a message's type. The first that is there counts.
var typeMembers = []string{"type", "event", "message_type", "action", "instruction"}

// messageType reads a message's type and channel; "" for each that it does not name.
func messageType(data []byte) (word, channel string) {
	members, err := rawjson.ReadObject(data)
	if err != nil {
		return "", ""
	}
	for _, name := range typeMembers {
		if word = plainWord(rawjson.Find(members, name)); word != "" {
			break
		}
	}
	return word, plainWord(rawjson.Find(members, "channel"))
}

// plainWord is a JSON string or number that can be a word of a protocol; "" for anything longer or with other
// characters, since that might be a secret.
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
