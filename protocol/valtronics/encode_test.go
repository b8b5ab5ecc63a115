package valtronics

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

func event(t testing.TB, kind protocol.Kind, data string) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{
		ID: "e1", Kind: kind, Data: []byte(data), Time: time.Date(2024, 1, 1, 13, 0, 0, 5e6, time.FixedZone("", 3600)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// R001.23, R001.29, R001.33, R001.37, R001.39: byte for byte as the document prints it, members in its order, whatever
// the order in which they were published.
func TestEncode_IsWhatTheDocumentPrints(t *testing.T) {
	d := New(DefaultConfig())
	for _, c := range []struct {
		name, data, want string
		kind             protocol.Kind
		view             protocol.Projection
	}{
		{name: "telemetry", kind: protocol.Telemetry,
			data: `{"telemetry":{"temperature":{"value":23.0,"unit":"°C","timestamp":"2024-01-01T12:00:00Z"},` +
				`"humidity":{"value":45.2,"unit":"%","timestamp":"2024-01-01T12:00:00Z"}},"device_id":1}`,
			want: `{"type":"telemetry_update","channel":"telemetry","device_id":1,` +
				`"telemetry":{"temperature":{"value":23.0,"unit":"°C","timestamp":"2024-01-01T12:00:00Z"},` +
				`"humidity":{"value":45.2,"unit":"%","timestamp":"2024-01-01T12:00:00Z"}}}`},
		{name: "a metric without time", kind: protocol.Telemetry,
			data: `{"device_id":"a","telemetry":{"t":{"value":1e3 },"u":{ },"v":-0.50,"w":{"x":{"timestamp":1},` +
				`"unit":"timestamp"}}}`,
			want: `{"type":"telemetry_update","channel":"telemetry","device_id":"a","telemetry":{"t":{"value":1e3 ,` +
				`"timestamp":"2024-01-01T12:00:00.005Z"},"u":{ "timestamp":"2024-01-01T12:00:00.005Z"},` +
				`"v":{"value":-0.50,"timestamp":"2024-01-01T12:00:00.005Z"},"w":{"x":{"timestamp":1},` +
				`"unit":"timestamp","timestamp":"2024-01-01T12:00:00.005Z"}}}`},
		{name: "a view of telemetry", kind: protocol.Telemetry, view: protocol.Project([]string{"u", "nothing"}),
			data: `{"device_id":7,"telemetry":{"t":{"timestamp":"x"},"u":{"timestamp":"x"},"v":{"timestamp":"x"}}}`,
			want: `{"type":"telemetry_update","channel":"telemetry","device_id":7,` +
				`"telemetry":{"u":{"timestamp":"x"}}}`},
		{name: "a view that leaves nothing", kind: protocol.Telemetry, view: protocol.Project([]string{"nothing"}),
			data: `{"device_id":7,"telemetry":{"t":{"value":1}}}`, want: ``},
		{name: "no metrics", kind: protocol.Telemetry, data: `{"device_id":7,"telemetry":{}}`,
			want: `{"type":"telemetry_update","channel":"telemetry","device_id":7,"telemetry":{}}`},
		{name: "alert", kind: protocol.Alert,
			data: `{"metadata":{"threshold_value":30.0,"actual_value":32.5},"timestamp":"2024-01-01T12:00:00Z",` +
				`"message":"Temperature exceeds safe threshold","title":"High Temperature Alert",` +
				`"severity":"critical","device_id":1,"alert_id":123}`,
			want: `{"type":"alert","channel":"alerts","alert_id":123,"device_id":1,"severity":"critical",` +
				`"title":"High Temperature Alert","message":"Temperature exceeds safe threshold",` +
				`"timestamp":"2024-01-01T12:00:00Z","metadata":{"threshold_value":30.0,"actual_value":32.5}}`},
		{name: "a short alert", kind: protocol.Alert,
			data: `{"alert_id":"a","device_id":1,"severity":"low","title":"","message":"","metadata":null,` +
				`"timestamp":null,"alert_type":"x","more":1}`,
			want: `{"type":"alert","channel":"alerts","alert_id":"a","device_id":1,"severity":"low","title":"",` +
				`"message":"","timestamp":"2024-01-01T12:00:00.005Z","metadata":{},"alert_type":"x"}`},
		{name: "device", kind: protocol.DeviceStatus,
			data: `{"device_id":1,"old_status":"online","new_status":"offline","reason":"Connection lost",` +
				`"metadata":{"last_seen":"2024-01-01T11:45:00Z"},"timestamp":"2024-01-01T12:00:00Z"}`,
			want: `{"type":"device_status_update","channel":"devices","device_id":1,"old_status":"online",` +
				`"new_status":"offline","timestamp":"2024-01-01T12:00:00Z","reason":"Connection lost",` +
				`"metadata":{"last_seen":"2024-01-01T11:45:00Z"}}`},
		{name: "system", kind: protocol.SystemStatus,
			data: `{"metrics":{"cpu_usage":45.2,"memory_usage":67.8,"disk_usage":23.1,"active_connections":15},` +
				`"timestamp":"2024-01-01T12:00:00Z"}`,
			want: `{"type":"system_status_update","channel":"system","metrics":{"cpu_usage":45.2,"memory_usage":67.8,` +
				`"disk_usage":23.1,"active_connections":15},"timestamp":"2024-01-01T12:00:00Z"}`},
		{name: "a view of system", kind: protocol.SystemStatus, view: protocol.Project([]string{"disk_usage"}),
			data: `{"metrics":{"cpu_usage":45.2,"disk_usage":23.0}}`,
			want: `{"type":"system_status_update","channel":"system","metrics":{"disk_usage":23.0},` +
				`"timestamp":"2024-01-01T12:00:00.005Z"}`},
		{name: "a view of system that leaves nothing", kind: protocol.SystemStatus,
			view: protocol.Project([]string{"x"}),
			data: `{"metrics":{"cpu_usage":45.2}}`, want: ``},
		{name: "message", kind: protocol.Message, data: `{"level":"warning","message":"m","timestamp":{"odd":1}}`,
			want: `{"type":"alert","channel":"alerts","alert_id":"e1","device_id":null,"severity":"warning",` +
				`"title":"m","message":"m","timestamp":"2024-01-01T12:00:00.005Z","metadata":{"level":"warning"}}`},
		{name: "json", kind: protocol.JSON, data: `{ "type" : "x", "n": 23.0 }`, want: `{ "type" : "x", "n": 23.0 }`},
		{name: "json without type", kind: protocol.JSON, data: `{"type":"","n":1}`,
			want: `{"type":"json","data":{"type":"","n":1}}`},
		{name: "project", kind: protocol.ProjectUpdated, data: `{"project_name":"p","trigger":"t"}`, want: ``},
	} {
		got := d.Encode(protocol.Delivery{Event: event(t, c.kind, c.data), View: c.view}).Data
		if string(got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if got != nil && !jsontext.Value(got).IsValid() {
			t.Errorf("%s is no valid JSON: %s", c.name, got)
		}
	}
}

// R001.78: what was held back and joined is encoded from its parts.
func TestEncode_OfJoinedEvents(t *testing.T) {
	older := event(t, protocol.Telemetry,
		`{"device_id":1,"telemetry":{"a":{"value":1,"timestamp":"x"},"b":{"value":1,"timestamp":"x"}}}`)
	newer := event(t, protocol.Telemetry, `{"device_id":1,"telemetry":{"b":{"value":2,"timestamp":"y"}}}`)
	got := string(New(DefaultConfig()).Encode(protocol.Delivery{Event: older.Conflate(newer)}).Data)
	want := `{"type":"telemetry_update","channel":"telemetry","device_id":1,"telemetry":{"a":{"value":1,` +
		`"timestamp":"x"},"b":{"value":2,"timestamp":"y"}}}`
	if got != want {
		t.Errorf("got %s", got)
	}
}

// Encode is one allocation; a message, which is rare, takes another one to read its level.
func TestEncode_AllocatesItsResultOnly(t *testing.T) {
	d := New(DefaultConfig())
	for kind, data := range samples {
		ev, most := event(t, kind, data), 1.0
		if kind == protocol.Message {
			most = 2
		}
		if n := testing.AllocsPerRun(100, func() { d.Encode(protocol.Delivery{Event: ev}) }); n > most {
			t.Errorf("%s: %v allocations", kind, n)
		}
	}
}

var samples = map[protocol.Kind]string{
	protocol.Telemetry: `{"device_id":1,"telemetry":{"temperature":{"value":23.5,"unit":"°C",` +
		`"timestamp":"2024-01-01T12:00:00Z"},"humidity":{"value":45.2,"unit":"%"}}}`,
	protocol.Alert: `{"alert_id":123,"device_id":1,"severity":"critical","title":"High Temperature Alert",` +
		`"message":"Temperature exceeds safe threshold","metadata":{"threshold_value":30.0,"actual_value":32.5}}`,
	protocol.DeviceStatus: `{"device_id":1,"old_status":"online","new_status":"offline","reason":"Connection lost",` +
		`"metadata":{"last_seen":"2024-01-01T11:45:00Z"}}`,
	protocol.SystemStatus: `{"metrics":{"cpu_usage":45.2,"memory_usage":67.8,"disk_usage":23.1,` +
		`"active_connections":15}}`,
	protocol.Message: `{"level":"error","title":"Disk","message":"full"}`,
	protocol.JSON:    `{"n":1}`,
}

func BenchmarkEncode(b *testing.B) {
	d := New(DefaultConfig())
	for _, c := range []struct {
		name string
		kind protocol.Kind
		view protocol.Projection
	}{
		{"telemetry", protocol.Telemetry, protocol.All},
		{"telemetry-view", protocol.Telemetry, protocol.Project([]string{"temperature"})},
		{"alert", protocol.Alert, protocol.All},
		{"device", protocol.DeviceStatus, protocol.All},
		{"system", protocol.SystemStatus, protocol.All},
		{"message", protocol.Message, protocol.All},
	} {
		b.Run(c.name, func(b *testing.B) {
			ev := event(b, c.kind, samples[c.kind])
			b.ReportAllocs()
			for b.Loop() {
				d.Encode(protocol.Delivery{Event: ev, View: c.view})
			}
		})
	}
}

// Whatever is published as telemetry, what is said of it is valid JSON, and each metric has a timestamp.
func FuzzEncode(f *testing.F) {
	f.Add(`{"a":{"value":1},"b":{"timestamp":"x"},"c":{},"d":7,"e":{"\u0074imestamp":1}}`)
	f.Add(`{"a":{"x":{"timestamp":1}},"b":{"y":"timestamp"},"c":["timestamp"],"d":{"\"timestamp":1}}`)
	f.Fuzz(func(t *testing.T, metrics string) {
		ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Telemetry,
			Data: []byte(`{"device_id":1,"telemetry":` + metrics + `}`)})
		if err != nil {
			return
		}
		text := New(DefaultConfig()).Encode(protocol.Delivery{Event: ev}).Data
		members, err := rawjson.ReadObject(text)
		if err != nil {
			t.Fatalf("%s became %s: %v", metrics, text, err)
		}
		said, err := rawjson.ReadObject(rawjson.Find(members, "telemetry"))
		if err != nil || len(said) != len(ev.Parts()) {
			t.Fatalf("%s became %s: %v", metrics, text, err)
		}
		for _, metric := range said {
			inner, err := rawjson.ReadObject(metric.Value)
			if err != nil || rawjson.Find(inner, "timestamp") == nil {
				t.Fatalf("%s became %s: %v", metrics, text, err)
			}
		}
	})
}
