package valtronics

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Encode implements protocol.Dialect. Members come in the order of the document, values as they were published.
func (*Dialect) Encode(d protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: encode(d.Event, d.View)}
}

func encode(ev *protocol.Event, view protocol.Projection) []byte {
	switch ev.Kind {
	case protocol.Telemetry:
		return encodeTelemetry(ev, view)
	case protocol.Alert:
		return encodeAlert(ev)
	case protocol.DeviceStatus:
		return encodeDevice(ev)
	case protocol.SystemStatus:
		return encodeSystem(ev, view)
	case protocol.Message:
		return encodeMessage(ev)
	case protocol.JSON:
		return encodeJSON(ev)
	case protocol.Value:
		return encodeData(ev, `{"type":"value"`, ev.Data)
	case protocol.Named:
		return encodeData(ev, `{"type":"named","event":`+string(ev.Member("event")), ev.Member("data"))
	}
	return nil
}

// buffer returns room for the event's message: its data, the names that the protocol adds, and a time per part.
func buffer(ev *protocol.Event) []byte {
	size := len(ev.Data) + 160
	for _, part := range ev.Parts() {
		size += len(part.Value) + 48
	}
	return make([]byte, 0, size)
}

func encodeTelemetry(ev *protocol.Event, view protocol.Projection) []byte {
	text := append(buffer(ev), `{"type":"telemetry_update","channel":"telemetry","device_id":`...)
	text = append(text, ev.Member("device_id")...)
	text = append(text, `,"telemetry":{`...)
	before := len(text)
	for _, metric := range ev.Parts() {
		if !view.Includes(metric.Name) {
			continue
		}
		if len(text) > before {
			text = append(text, ',')
		}
		text = append(rawjson.AppendText(text, metric.Name), ':')
		text = appendMetric(text, metric.Value, ev.Time)
	}
	if len(text) == before && view != protocol.All {
		return nil
	}
	return append(text, "}}"...)
}

// appendMetric appends a metric as it was published; one without a timestamp gets the event's, and a bare value becomes
// the value of a metric.
func appendMetric(text, raw []byte, at time.Time) []byte {
	switch {
	case raw[0] != '{':
		text = append(append(text, `{"value":`...), raw...)
	case rawjson.Lookup(raw, "timestamp") != nil:
		return append(text, raw...)
	default:
		end := len(raw) - 1
		text = append(text, raw[:end]...)
		if last(raw[:end]) == '{' {
			text = append(text, `"timestamp":`...)
			return append(appendTime(text, at), '}')
		}
	}
	text = append(text, `,"timestamp":`...)
	return append(appendTime(text, at), '}')
}

// last is the last byte of text that is no space.
func last(text []byte) byte {
	for i := len(text) - 1; i >= 0; i-- {
		if c := text[i]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

func encodeSystem(ev *protocol.Event, view protocol.Projection) []byte {
	text := append(buffer(ev), `{"type":"system_status_update","channel":"system","metrics":{`...)
	before := len(text)
	for _, metric := range ev.Parts() {
		if !view.Includes(metric.Name) {
			continue
		}
		if len(text) > before {
			text = append(text, ',')
		}
		text = append(rawjson.AppendText(text, metric.Name), ':')
		text = append(text, metric.Value...)
	}
	if len(text) == before && view != protocol.All {
		return nil
	}
	text = append(text, `},"timestamp":`...)
	return append(appendStamp(text, ev), '}')
}

func encodeAlert(ev *protocol.Event) []byte {
	text := append(buffer(ev), `{"type":"alert","channel":"alerts","alert_id":`...)
	text = append(text, ev.Member("alert_id")...)
	text = appendMember(text, `,"device_id":`, ev.Member("device_id"), `null`)
	text = appendMember(text, `,"severity":`, ev.Member("severity"), `""`)
	text = appendMember(text, `,"title":`, ev.Member("title"), `""`)
	text = appendMember(text, `,"message":`, ev.Member("message"), `""`)
	text = append(text, `,"timestamp":`...)
	text = appendStamp(text, ev)
	text = appendMember(text, `,"metadata":`, ev.Member("metadata"), `{}`)
	if kind := unlessNull(ev.Member("alert_type")); kind != nil {
		text = append(append(text, `,"alert_type":`...), kind...)
	}
	return append(text, '}')
}

func encodeDevice(ev *protocol.Event) []byte {
	text := append(buffer(ev), `{"type":"device_status_update","channel":"devices","device_id":`...)
	text = append(text, ev.Member("device_id")...)
	text = appendMember(text, `,"old_status":`, ev.Member("old_status"), `""`)
	text = appendMember(text, `,"new_status":`, ev.Member("new_status"), `""`)
	text = append(text, `,"timestamp":`...)
	text = appendStamp(text, ev)
	text = appendMember(text, `,"reason":`, ev.Member("reason"), `""`)
	text = appendMember(text, `,"metadata":`, ev.Member("metadata"), `{}`)
	return append(text, '}')
}

// appendMember appends a name and a raw value, or what stands for a value that is missing.
func appendMember(text []byte, name string, raw []byte, missing string) []byte {
	text = append(text, name...)
	if raw = unlessNull(raw); raw == nil {
		return append(text, missing...)
	}
	return append(text, raw...)
}

// appendStamp appends the timestamp that the publisher gave, or the event's time.
func appendStamp(text []byte, ev *protocol.Event) []byte {
	if raw := unlessNull(ev.Member("timestamp")); raw != nil {
		return append(text, raw...)
	}
	return appendTime(text, ev.Time)
}

// severities are what the levels of a message are called among alerts.
var severities = map[string]string{"error": `"critical"`, "warning": `"warning"`}

func encodeMessage(ev *protocol.Event) []byte {
	severity := severities[ev.Text("level")]
	if severity == "" {
		severity = `"info"`
	}
	text := append(make([]byte, 0, 2*len(ev.Data)+len(ev.ID)+200), `{"type":"alert","channel":"alerts","alert_id":`...)
	text = rawjson.AppendText(text, ev.ID)
	text = append(append(text, `,"device_id":null,"severity":`...), severity...)
	title := ev.Member("title")
	if len(title) <= len(`""`) || title[0] != '"' {
		title = ev.Member("message")
	}
	text = append(append(text, `,"title":`...), title...)
	text = append(append(text, `,"message":`...), ev.Member("message")...)
	text = append(text, `,"timestamp":`...)
	text = appendTime(text, ev.Time)
	text = append(append(text, `,"metadata":{"level":`...), ev.Member("level")...)
	if tags := unlessNull(ev.Member("tags")); tags != nil {
		text = append(append(text, `,"tags":`...), tags...)
	}
	return append(text, "}}"...)
}

// encodeJSON passes an object on if it has a type, and gives it one if not.
func encodeJSON(ev *protocol.Event) []byte {
	if ev.Text("type") != "" {
		return ev.Data
	}
	return encodeData(ev, `{"type":"json"`, ev.Data)
}

// encodeData appends the channel and the data to the first members of a message.
func encodeData(ev *protocol.Event, first string, data []byte) []byte {
	text := append(make([]byte, 0, len(ev.Data)+64), first...)
	if ch := root(ev.Topic); ch != "" {
		text = append(append(text, `,"channel":"`...), ch...)
		text = append(text, '"')
	}
	text = append(append(text, `,"data":`...), data...)
	return append(text, '}')
}
