package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// sample is a good event of a kind; the tests break it.
type sample struct {
	data       string
	topic, key string
	optional   string   // members, separated by spaces
	wrong      []string // members with values that do not fit
	parts      string   // names
}

var samples = map[Kind]sample{
	ProjectUpdated: {data: `{"project_name":"p 1","trigger":"push"}`, topic: "projects/p 1",
		wrong: []string{`"project_name":""`, `"project_name":1`, `"project_name":null`, `"trigger":{}`,
			`"trigger":""`}},
	Telemetry: {data: `{"device_id":7,"telemetry":{"temp":{"value":1,"unit":"C"},"hum":2}}`, topic: "telemetry/7",
		key: "7", parts: "temp hum",
		wrong: []string{`"device_id":""`, `"device_id":1.5`, `"device_id":1e3`, `"device_id":true`, `"device_id":[7]`,
			`"device_id":null`, `"telemetry":[]`, `"telemetry":null`, `"telemetry":"x"`,
			`"telemetry":{"":1}`, `"telemetry":{"a\u0000b":1}`, `"telemetry":{" a":1}`}},
	Alert: {data: `{"alert_id":"a1","device_id":"7","severity":"high","title":"","message":"m","timestamp":"t",` +
		`"alert_type":"x","metadata":{"zone":"z"}}`,
		topic: "alerts/7", optional: "timestamp alert_type metadata",
		wrong: []string{`"alert_id":1.5`, `"device_id":{}`, `"severity":""`, `"severity":3`, `"title":1`,
			`"message":null`, `"timestamp":1`, `"timestamp":""`, `"alert_type":[]`, `"metadata":[]`}},
	DeviceStatus: {data: `{"device_id":"d","old_status":"on","new_status":"off","reason":"","timestamp":"t",` +
		`"metadata":{}}`,
		topic: "devices/d", key: "d", optional: "reason timestamp metadata",
		wrong: []string{`"device_id":false`, `"old_status":""`, `"new_status":0`, `"reason":1`, `"metadata":"x"`}},
	SystemStatus: {data: `{"metrics":{"cpu":1},"timestamp":"t"}`, topic: "system", key: "system", optional: "timestamp",
		parts: "cpu",
		wrong: []string{`"metrics":[]`, `"metrics":null`, `"timestamp":1`}},
	Object: {data: `{"type":"notification","id":12,"data":[1]}`, topic: "notification/12", optional: "data",
		wrong: []string{`"type":"other"`, `"type":"Notification"`, `"type":1`, `"id":""`, `"id":-1.0`, `"id":{}`,
			`"data":"x"`, `"data":1`}},
	TriggerUpdate: {data: `{"outpost":"o1","args":{"x":1}}`, topic: "outposts/o1", key: "o1", optional: "args",
		wrong: []string{`"outpost":""`, `"outpost":1`, `"args":[]`, `"args":"x"`}},
	Message: {data: `{"level":"info","message":"m","title":"t","tags":""}`, optional: "title tags",
		wrong: []string{`"level":"debug"`, `"level":""`, `"level":1`, `"message":1`, `"title":{}`, `"tags":[]`}},
	JSON:  {data: `{"a":1}`},
	Value: {data: `{"a":1}`},
	Named: {data: `{"event":"user.created","data":[1,null]}`,
		wrong: []string{`"event":""`, `"event":1`, `"event":null`}},
}

func TestNewEvent_EachKindHasASampleHere(t *testing.T) {
	if got, want := slices.Sorted(maps.Keys(samples)), Kinds(); !slices.Equal(got, want) {
		t.Errorf("there are samples of %v, the kinds are %v", got, want)
	}
}

// reliability.md check 19
func TestNewEvent_NestsNoDeeperThanTheReadersLimit(t *testing.T) {
	for _, form := range [][2]string{{`[`, `]`}, {`{"a":`, `}`}, {`[{"a":`, `}]`}} {
		tooDeep := `{"a":` + strings.Repeat(form[0], rawjson.MaxDepth) + "1" +
			strings.Repeat(form[1], rawjson.MaxDepth) + `}`
		if _, err := NewEvent(EventInput{Kind: JSON, Data: []byte(tooDeep)}); AsRefusal(err).Reason != Malformed {
			t.Errorf("an event of %s beyond it: %v", form[0], err)
		}
	}
}

func TestNewEvent_TakesAGoodEventOfEachKindAndKnowsItsTopicKeyAndParts(t *testing.T) {
	for kind, s := range samples {
		ev, err := NewEvent(EventInput{ID: "id", Kind: kind, Data: []byte(s.data), Time: time.Unix(1, 0)})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if ev.ID != "id" || ev.Kind != kind || string(ev.Data) != s.data || !ev.Time.Equal(time.Unix(1, 0)) ||
			ev.Topic != "" {
			t.Errorf("%s: %+v", kind, ev)
		}
		if got := ev.HomeTopic(); got != s.topic || got != "" && CheckTopic(got) != nil {
			t.Errorf("%s belongs to %q, want %q", kind, got, s.topic)
		}
		if ev.Key != s.key {
			t.Errorf("%s has the key %q, want %q", kind, ev.Key, s.key)
		}
		var parts []string
		for _, p := range ev.Parts() {
			parts = append(parts, p.Name)
		}
		if strings.Join(parts, " ") != s.parts || (ev.Parts() != nil) != (s.parts != "") {
			t.Errorf("%s has the parts %q, want %q", kind, parts, s.parts)
		}
		own, err := NewEvent(EventInput{Kind: kind, Data: []byte(s.data), Key: "own"})
		if err != nil || own.Key != "own" {
			t.Errorf("%s with a key of its own: %+v, %v", kind, own, err)
		}
		_, err = NewEvent(EventInput{Kind: kind,
			Data: []byte(strings.Replace(s.data, "{", `{"unknown":{"x":[1]},`, 1))})
		if err != nil {
			t.Errorf("%s with a member that it does not know: %v", kind, err)
		}
	}
}

func TestNewEvent_RefusesEachKindWithAMemberMissingOrWrongAndNamesIt(t *testing.T) {
	for kind, s := range samples {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(s.data), &members); err != nil {
			t.Fatal(err)
		}
		try := func(what, member string, broken map[string]json.RawMessage, ok bool) {
			data, _ := json.Marshal(broken)
			_, err := NewEvent(EventInput{Kind: kind, Data: data})
			if (err == nil) != ok {
				t.Errorf("%s with %s: %v", kind, what, err)
			}
			if err != nil {
				checkRefusal(t, err)
				if !strings.Contains(err.Error(), "data."+member) {
					t.Errorf("%s with %s: %q does not name the member", kind, what, err)
				}
			}
		}
		for name := range members {
			if kind == JSON || kind == Value {
				break
			}
			without := maps.Clone(members)
			delete(without, name)
			optional := slices.Contains(strings.Fields(s.optional), name)
			try(name+" missing", name, without, optional)
			without[name] = json.RawMessage("null")
			try(name+" null", name, without, optional || kind == Named && name == "data")
		}
		for _, wrong := range s.wrong {
			name, value, _ := strings.Cut(wrong, ":")
			broken := maps.Clone(members)
			broken[strings.Trim(name, `"`)] = json.RawMessage(value)
			try(wrong, strings.Trim(name, `"`), broken, false)
		}
	}
}

// What was checked as a part of something larger makes the same event, and what is no object is refused all the same.
func TestNewEvent_CheckedDataMakesTheSameEvent(t *testing.T) {
	for kind, s := range samples {
		whole, err := NewEvent(EventInput{Kind: kind, Data: []byte(s.data)})
		checked, err2 := NewEvent(EventInput{Kind: kind, Data: []byte(s.data), Checked: true})
		if err != nil || err2 != nil || !reflect.DeepEqual(whole, checked) {
			t.Errorf("%s: %+v, %v and %+v, %v", kind, whole, err, checked, err2)
		}
	}
	for _, data := range []string{`[]`, `null`, `"x"`, `1`} {
		_, err := NewEvent(EventInput{Kind: JSON, Data: []byte(data), Checked: true})
		if AsRefusal(err).Reason != Malformed {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestNewEvent_AValueIsAnyJSONAndHasMembersOnlyIfItIsAnObject(t *testing.T) {
	for data, member := range map[string]string{
		`7`: "", `"x"`: "", `null`: "", `[{"a":1}]`: "", ` {"a":1} `: "1", `true`: "",
	} {
		for _, checked := range []bool{false, true} {
			ev, err := NewEvent(EventInput{Kind: Value, Data: []byte(data), Checked: checked})
			if err != nil || string(ev.Member("a")) != member || ev.HomeTopic() != "" {
				t.Errorf("%s: %+v, %v", data, ev, err)
			}
		}
	}
	if _, err := NewEvent(EventInput{Kind: Value, Data: []byte(`{]`)}); AsRefusal(err).Reason != Malformed {
		t.Errorf("no JSON: %v", err)
	}
}

// reliability.md check 35: an invalid publish is refused before it reaches a topic.
func TestNewEvent_RefusesBadInput(t *testing.T) {
	for name, d := range map[string]EventInput{
		"no kind": {Data: []byte(`{}`)}, "unknown kind": {Kind: "x\n", Data: []byte(`{}`)}, "no data": {Kind: JSON},
		"an array": {Kind: JSON, Data: []byte(`[]`)}, "null": {Kind: JSON, Data: []byte(`null`)},
		"invalid UTF-8": {Kind: JSON, Data: []byte("{\"a\":\"\xff\"}")},
		"a name twice":  {Kind: JSON, Data: []byte(`{"a":1,"a":1}`)}, "garbage": {Kind: JSON, Data: []byte(`{}{}`)},
		"a long id":                {Kind: JSON, Data: []byte(`{}`), ID: strings.Repeat("x", MaxName+1)},
		"an id with a newline":     {Kind: JSON, Data: []byte(`{}`), ID: "a\nb"},
		"an id with spaces around": {Kind: JSON, Data: []byte(`{}`), ID: " a"},
		"a long key":               {Kind: JSON, Data: []byte(`{}`), Key: strings.Repeat("x", MaxKey+1)},
		"an invalid key":           {Kind: JSON, Data: []byte(`{}`), Key: "\xff"},
		"a bad name":               {Kind: JSON, Data: []byte("{\"a\x1b[31m\":")},
	} {
		ev, err := NewEvent(d)
		if err == nil {
			t.Errorf("%s: %+v", name, ev)
			continue
		}
		checkRefusal(t, err)
	}
}

func TestEvent_MembersAttributesAndTexts(t *testing.T) {
	ev, err := NewEvent(EventInput{Kind: Alert,
		Data: []byte(`{"alert_id":1,"device_id":"7","severity":"high","title":"a\nb","message":"m",` +
			`"metadata":{"zone":"z","severity":"low","n":5,"deep":{}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"severity": "high", "device_id": "7", "alert_id": "1", "zone": "z",
		"n": "5", "deep": "-", "metadata": "-", "none": "-"} {
		got, ok := ev.Attribute(name)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("attribute %s is %q, want %q", name, got, want)
		}
	}
	if ev.Text("title") != "a\nb" || ev.Text("alert_id") != "" || ev.Text("none") != "" ||
		string(ev.Member("alert_id")) != "1" || len(ev.Members()) != 6 {
		t.Errorf("%+v", ev)
	}
	at := ev.At("room")
	if at.Topic != "room" || ev.Topic != "" || at.At("room") != at {
		t.Error("At changed its event or made one in vain")
	}
}

func TestEvent_ConflateJoinsPartByPartAndTheNewerWins(t *testing.T) {
	telemetry := func(parts string) *Event {
		ev, err := NewEvent(EventInput{Kind: Telemetry, Data: []byte(`{"device_id":1,"telemetry":{` + parts + `}}`)})
		if err != nil {
			t.Fatal(err)
		}
		return ev
	}
	parts := func(ev *Event) string {
		var all []string
		for _, p := range ev.Parts() {
			all = append(all, fmt.Sprintf("%s=%s", p.Name, p.Value))
		}
		return strings.Join(all, " ")
	}
	older, newer := telemetry(`"a":1,"b":2`), telemetry(`"b":3,"c":4`)
	joined := older.Conflate(newer)
	if got := parts(joined); got != "a=1 b=3 c=4" {
		t.Errorf("joined: %s", got)
	}
	if parts(older) != "a=1 b=2" || parts(newer) != "b=3 c=4" {
		t.Error("an event was changed")
	}
	if got := parts(joined.Conflate(telemetry(`"a":9`))); got != "a=9 b=3 c=4" {
		t.Errorf("joined again: %s", got)
	}
	if got := parts(telemetry("").Conflate(newer)); got != "b=3 c=4" {
		t.Errorf("with an empty one: %s", got)
	}
	plain, err := NewEvent(EventInput{Kind: JSON, Data: []byte(`{}`)})
	if err != nil || older.Conflate(plain) != plain || plain.Conflate(older) != older {
		t.Error("events without parts do not replace each other as a whole")
	}
}

func FuzzNewEvent(f *testing.F) {
	for kind, s := range samples {
		f.Add(string(kind), []byte(s.data), "id", "key")
		for _, wrong := range s.wrong {
			f.Add(string(kind), []byte("{"+wrong+"}"), "", "")
		}
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte, id, key string) {
		before := bytes.Clone(data)
		ev, err := NewEvent(EventInput{Kind: Kind(kind), Data: data, ID: id, Key: key})
		if !bytes.Equal(data, before) {
			t.Fatal("the data were changed")
		}
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if !utf8.Valid(ev.Data) || !json.Valid(ev.Data) ||
			len(ev.Members()) > 0 && ev.Member(ev.Members()[0].Name) == nil {
			t.Fatalf("a bad event: %q", ev.Data)
		}
		// No later stage meets a malformed event: all that dialects ask can be answered.
		for _, m := range append(slices.Clone(ev.Members()), ev.Parts()...) {
			if !json.Valid(m.Value) {
				t.Fatalf("%q is %q", m.Name, m.Value)
			}
			ev.Attribute(m.Name)
			ev.Text(m.Name)
		}
		for _, p := range ev.Parts() {
			if CheckName("part", p.Name) != nil {
				t.Fatalf("a part is called %q", p.Name)
			}
		}
		topic := ev.HomeTopic()
		if topic == "" && kinds[ev.Kind].topic != nil {
			t.Fatalf("%q belongs nowhere", ev.Data)
		}
		if same := ev.Conflate(ev); len(same.Parts()) != len(ev.Parts()) {
			t.Fatal("an event grows when it is joined with itself")
		}
	})
}
