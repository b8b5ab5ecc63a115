package authentik

import (
	"testing"

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

// R003.4, R003.6, R003.8: the members in the order of the document.
func TestClient_Bytes(t *testing.T) {
	d := NewPage(DefaultConfig())
	for _, c := range []struct {
		kind       protocol.Kind
		data, want string
	}{
		{protocol.Message, `{"message":"a message","level":"error"}`,
			`{"message_type":"message","level":"error","tags":"","message":"a message"}`},
		{protocol.Message, `{"tags":"x \" y","message":"<é>","level":"info","title":"T"}`,
			`{"message_type":"message","level":"info","tags":"x \" y","message":"<é>"}`},
		{protocol.JSON, `{ "message_type": "refresh" }`, `{ "message_type": "refresh" }`},
		{protocol.JSON, `{"message_type":{}}`, ``},
		{protocol.JSON, `{}`, ``},
		{protocol.Object, `{"type":"notification","id":1}`, ``},
	} {
		if got := string(d.Encode(protocol.Delivery{Event: event(t, c.kind, "", c.data)}).Data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.data, got, c.want)
		}
	}
}

// R003.7: other levels are refused where the event is made.
func TestMessage_LevelIsOneOfFour(t *testing.T) {
	for level, ok := range map[string]bool{"error": true, "warning": true, "success": true, "info": true,
		"debug": false, "": false, "Error": false} {
		_, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Message,
			Data: []byte(`{"message":"m","level":"` + level + `"}`)})
		if (err == nil) != ok {
			t.Errorf("%s: %v", level, err)
		}
	}
}

// R003.15, R003.16, R003.21, R003.31: two members, a number and an object, and nothing for anything else.
func TestOutpost_Bytes(t *testing.T) {
	d := NewOutpost(DefaultConfig())
	for _, c := range []struct {
		kind              protocol.Kind
		topic, data, want string
	}{
		{protocol.TriggerUpdate, "outposts/o", `{"outpost":"o"}`, `{"instruction":2,"args":{}}`},
		{protocol.TriggerUpdate, "outposts/o", `{"outpost":"o","args":{ "a":null }}`,
			`{"instruction":2,"args":{ "a":null }}`},
		{protocol.TriggerUpdate, "outposts/o", `{"outpost":"o","args":{"\u0074ype":"event.session.end"}}`,
			`{"instruction":4,"args":{"\u0074ype":"event.session.end"}}`},
		{protocol.TriggerUpdate, "outposts/o", `{"outpost":"o","args":{"type":{"type":"event.session.end"}}}`,
			`{"instruction":2,"args":{"type":{"type":"event.session.end"}}}`},
		{protocol.TriggerUpdate, "", `{"outpost":"o"}`, ``},
		{protocol.TriggerUpdate, "outposts", `{"outpost":"o"}`, ``},
		{protocol.TriggerUpdate, "other/o", `{"outpost":"o"}`, ``},
		{protocol.JSON, "outposts/o", `{"args":{},"instruction":3,"x":1}`, `{"args":{},"instruction":3,"x":1}`},
		{protocol.JSON, "outposts/o", `{"args":{},"instruction":12345678901}`, ``},
		{protocol.JSON, "outposts/o", `{"args":null,"instruction":3}`, ``},
		{protocol.JSON, "", `{"args":{},"instruction":3}`, ``},
		{protocol.Message, "outposts/o", `{"level":"info","message":"m"}`, ``},
	} {
		if got := string(d.Encode(protocol.Delivery{Event: event(t, c.kind, c.topic, c.data)}).Data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.data, got, c.want)
		}
	}
}

// Whatever is published, an outpost can read it: instruction is a number, args an object.
func FuzzOutpostEncode(f *testing.F) {
	f.Add(`{"outpost":"o","args":{"type":"event.session.end"}}`, true)
	f.Add(`{"instruction":3,"args":{}}`, false)
	f.Fuzz(func(t *testing.T, data string, trigger bool) {
		kind := protocol.JSON
		if trigger {
			kind = protocol.TriggerUpdate
		}
		ev, err := protocol.NewEvent(protocol.EventInput{Kind: kind, Topic: "outposts/o", Data: []byte(data)})
		if err != nil {
			return
		}
		text := NewOutpost(DefaultConfig()).Encode(protocol.Delivery{Event: ev}).Data
		if text == nil {
			return
		}
		members, err := rawjson.ReadObject(text)
		args := rawjson.Find(members, "args")
		if err != nil || !isInteger(rawjson.Find(members, "instruction")) || len(args) == 0 || args[0] != '{' {
			t.Fatalf("%s became %s: %v", data, text, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range []struct {
		name    string
		dialect protocol.Dialect
		kind    protocol.Kind
		data    string
	}{
		{"message", NewPage(DefaultConfig()), protocol.Message, `{"level":"error","message":"a message"}`},
		{"trigger", NewOutpost(DefaultConfig()), protocol.TriggerUpdate, `{"outpost":"` + one + `"}`},
		{"logout", NewOutpost(DefaultConfig()), protocol.TriggerUpdate, `{"outpost":"` + one +
			`","args":{"type":"event.provider.specific","sub_type":"logout","session_id":"s"}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			ev := event(b, c.kind, "outposts/"+one, c.data)
			b.ReportAllocs()
			for b.Loop() {
				c.dialect.Encode(protocol.Delivery{Event: ev})
			}
		})
	}
}
