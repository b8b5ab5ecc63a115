package valtronics

import (
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

var welcome = []byte(`{"type":"auth_response","success":true}`)

// denial is the answer to a token that did not hold.
func denial(refusal *protocol.Refusal) []byte {
	word := refusal.Reason
	switch word {
	case protocol.TokenExpired, protocol.Unauthorized, protocol.UnknownUser:
		word = protocol.InvalidToken // the one word that documented clients know
	}
	text := append(make([]byte, 0, 128), `{"type":"auth_response","success":false,"message":`...)
	text = appendClean(text, refusal.Error())
	text = append(text, `,"error":`...)
	text = rawjson.AppendText(text, string(word))
	return append(appendRetry(text, refusal), '}')
}

// complain says an error.
func complain(refusal *protocol.Refusal, ch channel, index int) protocol.Command {
	return protocol.Send{Text: problem(refusal, ch, index)}
}

// problem is the message of an error, about a channel unless that is "", about an item of a batch unless it is alone.
func problem(refusal *protocol.Refusal, ch channel, index int) []byte {
	text := append(make([]byte, 0, 192), `{"type":"error","error":`...)
	text = rawjson.AppendText(text, string(refusal.Reason))
	text = append(text, `,"message":`...)
	text = appendClean(text, refusal.Error())
	if ch != "" {
		text = append(text, `,"channel":"`...)
		text = append(append(text, ch...), '"')
	}
	if index != alone {
		text = append(text, `,"index":`...)
		text = strconv.AppendInt(text, int64(index), 10)
	}
	return append(appendRetry(text, refusal), '}')
}

// appendRetry tells after how many whole seconds the same may work.
func appendRetry(text []byte, refusal *protocol.Refusal) []byte {
	if refusal.RetryAfter <= 0 {
		return text
	}
	text = append(text, `,"retry_after":`...)
	return strconv.AppendInt(text, int64((refusal.RetryAfter+time.Second-1)/time.Second), 10)
}

// noMarkup takes away what could make markup of a message that a page shows.
var noMarkup = strings.NewReplacer("<", "?", ">", "?", "&", "?")

func appendClean(text []byte, message string) []byte {
	return rawjson.AppendText(text, noMarkup.Replace(message))
}

// plain is a word from a client for a message, quoted and with a space before it, if there is nothing in it but
// letters, digits and - _ . / and it is short; "" if not.
func plain(word string) string {
	const most = 40
	if word == "" || len(word) > most {
		return ""
	}
	for _, c := range []byte(word) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-_./", c) < 0 {
			return ""
		}
	}
	return ` "` + word + `"`
}

// pong answers a ping. A timestamp that looks like one comes back; else the time here stands in its place.
func pong(m message) protocol.Command {
	text := append(make([]byte, 0, 128), `{"type":"pong","timestamp":`...)
	if raw := m.member("timestamp"); isStamp(raw) {
		text = append(text, raw...)
	} else {
		text = appendTime(text, m.now)
	}
	text = append(text, `,"server_time":`...)
	return protocol.Send{Text: append(appendTime(text, m.now), '}')}
}

// isStamp reports whether raw is a number, or a string made of what timestamps are made of, and short.
func isStamp(raw []byte) bool {
	const most = 64
	if len(raw) == 0 || len(raw) > most {
		return false
	}
	if raw[0] != '"' {
		return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
	}
	for _, c := range raw[1 : len(raw)-1] {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("-:.+, ", c) < 0 {
			return false
		}
	}
	return true
}

// appendTime appends ISO 8601 in UTC with milliseconds and Z, quoted.
func appendTime(text []byte, at time.Time) []byte {
	return at.UTC().AppendFormat(text, `"2006-01-02T15:04:05.000Z"`)
}
