package airlay

import (
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

func event(t testing.TB, kind protocol.Kind, topic, data string) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{ID: "e1", Kind: kind, Topic: topic, Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// R004.32, R004.33: byte for byte as the document prints it, members in its order, an id that is a text.
func TestEncode_IsWhatTheDocumentPrints(t *testing.T) {
	d := New(DefaultConfig())
	for _, c := range []struct {
		kind              protocol.Kind
		topic, data, want string
	}{
		{protocol.Object, "issueUpdate/" + object, `{"type":"issueUpdate","id":"` + object + `"}`,
			`{"type":"issueUpdate","id":"610217e481f6fc54736209e0","data":[]}`},
		{protocol.Object, "issueUpdate/7", `{"data":{"a":23.0 , "б":"\u0431<"},"id":7,"type":"issueUpdate","more":1}`,
			`{"type":"issueUpdate","id":"7","data":{"a":23.0 , "б":"\u0431<"}}`},
		{protocol.Object, "notification/7", `{"type":"notification","id":"7","data":null}`,
			`{"type":"notification","id":"7","data":[]}`},
		{protocol.Object, "", `{"type":"notification","id":"7","data":[1]}`,
			`{"type":"notification","id":"7","data":[1]}`},
		{protocol.Object, "", `{"type":"issueUpdate","id":"7"}`, ``},
		{protocol.Message, "", `{"level":"info","message":"m <b>"}`,
			`{"type":"notification","id":"","data":{"level":"info","message":"m <b>","title":""}}`},
		{protocol.Message, "", `{"title":"T","message":"","level":"error","tags":"x"}`,
			`{"type":"notification","id":"","data":{"level":"error","message":"","title":"T"}}`},
		{protocol.JSON, "issueUpdate/7", `{"type":"issueUpdate"}`, ``},
		{protocol.Telemetry, "", `{"device_id":1,"telemetry":{}}`, ``},
	} {
		if got := string(d.Encode(protocol.Delivery{Event: event(t, c.kind, c.topic, c.data)}).Data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.data, got, c.want)
		}
	}
}

// F33, R004.34, R004.35: a push is for those who are attached to its type and id; the view says which notifications
// that are sent to a user the connection is attached to.
func TestEncode_NothingForWhoIsNotAttached(t *testing.T) {
	d := New(DefaultConfig())
	const note, message = `{"type":"notification","id":"7"}`, `{"level":"info","message":"m"}`
	for _, c := range []struct {
		kind        protocol.Kind
		topic, data string
		view        protocol.Projection
		heard       bool
	}{
		{protocol.Object, "", note, protocol.All, true},
		{protocol.Object, "", note, protocol.Project([]string{"6", "7"}), true},
		{protocol.Object, "", `{"type":"notification","id":"\u0037"}`, protocol.Project([]string{"7"}), true},
		{protocol.Object, "", note, protocol.Project([]string{"70", "6"}), false},
		{protocol.Object, "", note, protocol.None, false},
		{protocol.Object, "", `{"type":"uploadFile","id":"7"}`, protocol.All, false},
		{protocol.Object, "", `{"type":"uploadFile","id":"7"}`, protocol.Project([]string{"7"}), false},
		{protocol.Object, "notification/7", note, protocol.All, true},
		{protocol.Object, "notification/\u0437", `{"type":"notification","id":"\u0437"}`, protocol.All, true},
		{protocol.Object, "notification/8", note, protocol.All, false},
		{protocol.Object, "issueUpdate/7", note, protocol.All, false},
		{protocol.Object, "notification", note, protocol.All, false},
		{protocol.Message, "", message, protocol.All, true},
		{protocol.Message, "", message, protocol.Project([]string{"7"}), false},
		{protocol.Message, "", message, protocol.None, false},
		{protocol.Message, "notification/7", message, protocol.All, true},
		{protocol.Message, "issueUpdate/7", message, protocol.All, false},
	} {
		to := protocol.Delivery{Event: event(t, c.kind, c.topic, c.data), View: c.view}
		if got := d.Encode(to).Data; (got != nil) != c.heard {
			t.Errorf("%s on %q in view %q: got %s", c.data, c.topic, c.view, got)
		}
	}
}

// R004.31, R004.32, R004.33: whatever is published, a push has a type, an id that is a text, and data that is a list or
// an object.
func FuzzEncode(f *testing.F) {
	f.Add(`{"type":"issueUpdate","id":"x","data":[]}`)
	f.Add(`{"type":"notification","id":-7,"data":{"a":null}}`)
	f.Fuzz(func(t *testing.T, data string) {
		ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Object, Data: []byte(data)})
		if err != nil {
			return
		}
		text := New(DefaultConfig()).Encode(protocol.Delivery{Event: ev.At(ev.HomeTopic())}).Data
		members, err := rawjson.ReadObject(text)
		if err != nil || len(members) != 3 {
			t.Fatalf("%s became %s: %v", data, text, err)
		}
		id, payload := rawjson.Find(members, "id"), rawjson.Find(members, "data")
		if id[0] != '"' || payload[0] != '[' && payload[0] != '{' {
			t.Fatalf("%s became %s", data, text)
		}
	})
}

func TestEncode_AllocatesItsResultOnly(t *testing.T) {
	d, ev := New(DefaultConfig()), event(t, protocol.Object, "issueUpdate/"+object, `{"type":"issueUpdate","id":"`+
		object+`","data":[1,2]}`)
	if n := testing.AllocsPerRun(100, func() { d.Encode(protocol.Delivery{Event: ev}) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	d := New(DefaultConfig())
	for _, c := range []struct {
		kind protocol.Kind
		data string
	}{
		{protocol.Object, `{"type":"issueUpdate","id":"` + object + `","data":[]}`},
		{protocol.Message, `{"level":"error","title":"Disk","message":"full"}`},
	} {
		b.Run(string(c.kind), func(b *testing.B) {
			ev := event(b, c.kind, "issueUpdate/"+object, c.data)
			b.ReportAllocs()
			for b.Loop() {
				d.Encode(protocol.Delivery{Event: ev})
			}
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	s, frame := &session{}, []byte(sample)
	b.ReportAllocs()
	for b.Loop() {
		s.Receive(time.Time{}, protocol.ClientMessage{Data: frame})
	}
}
