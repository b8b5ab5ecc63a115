package dashboard

import (
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Encode implements protocol.Dialect. A dashboard has words for a project that was updated and for a message; a json
// event is its own words.
func (*Dialect) Encode(d protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: encode(d.Event)}
}

func encode(ev *protocol.Event) []byte {
	switch ev.Kind {
	case protocol.ProjectUpdated:
		text := append(make([]byte, 0, len(ev.Data)+64), `{"event":"project_updated","project_name":`...)
		text = append(text, ev.Member("project_name")...)
		text = append(text, `,"trigger":`...)
		text = append(text, ev.Member("trigger")...)
		return end(text, ev.Time)
	case protocol.Message:
		text := append(make([]byte, 0, len(ev.Data)+64), `{"event":"message","level":`...)
		text = append(text, ev.Member("level")...)
		text = append(text, `,"title":`...)
		text = append(text, orEmpty(ev.Member("title"))...)
		text = append(text, `,"message":`...)
		text = append(text, ev.Member("message")...)
		return end(text, ev.Time)
	case protocol.JSON:
		return ev.Data
	}
	return nil
}

func orEmpty(raw []byte) []byte {
	if len(raw) == 0 || raw[0] != '"' {
		return []byte(`""`)
	}
	return raw
}

// end closes an event with its time.
func end(text []byte, at time.Time) []byte {
	text = append(text, `,"timestamp":`...)
	return append(appendUnix(text, at), '}')
}

// appendUnix appends Unix seconds with three decimals.
func appendUnix(text []byte, at time.Time) []byte {
	ms := at.UnixMilli()
	if ms < 0 {
		ms = 0 // before 1970 there were no dashboards
	}
	text = strconv.AppendInt(text, ms/1000, 10)
	return append(text, '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
}

func heartbeat(now time.Time, clients int) []byte {
	text := append(make([]byte, 0, 72), `{"event":"heartbeat","timestamp":`...)
	text = appendUnix(text, now)
	text = append(text, `,"clients":`...)
	text = strconv.AppendInt(text, int64(clients), 10)
	return append(text, '}')
}

// problem is what went wrong, for a client that is inside.
func problem(refusal *protocol.Refusal) []byte {
	text := rawjson.AppendText([]byte(`{"event":"error","message":`), refusal.Error())
	return append(text, '}')
}
