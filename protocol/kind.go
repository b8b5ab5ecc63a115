package protocol

import (
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Kind says what an event is about, and so which dialects have words for it.
type Kind string

// Event is "a telemetry event", or "an alert event".
func (k Kind) Event() string { return article(string(k)) + " " + string(k) + " event" }

// article is the indefinite one of an English word.
func article(word string) string {
	if word != "" && strings.ContainsRune("aeiou", rune(word[0])) {
		return "an"
	}
	return "a"
}

// The kinds of events.
const (
	ProjectUpdated Kind = "project_updated"
	Telemetry      Kind = "telemetry"
	Alert          Kind = "alert"
	DeviceStatus   Kind = "device_status"
	SystemStatus   Kind = "system_status"
	Object         Kind = "object"
	TriggerUpdate  Kind = "trigger_update"
	Message        Kind = "message"
	JSON           Kind = "json"  // any object
	Value          Kind = "value" // any JSON value
	Named          Kind = "named" // any JSON value under a name of the application's
)

// form is what a member's value must look like.
type form int

const (
	aText    form = iota // a string that is not empty
	anyText              // a string
	anID                 // a string or an integer that can be part of a topic's name
	anObject             // an object
	aList                // an array or an object
	aValue               // any value
)

func (f form) String() string {
	return [...]string{"a string that is not empty", "a string", "a string or an integer", "an object",
		"an array or an object", "any JSON value"}[f]
}

// field is one member that a kind knows.
type field struct {
	name     string
	form     form
	optional bool
	oneOf    []string
}

// spec is what is known of a kind. A topic or key is made of constant texts and, with a leading $, members.
type spec struct {
	fields []field
	topic  []string
	key    []string
	// parts names the object member whose members a View chooses from.
	parts string
	// any says that the data may be any JSON value, and no object alone.
	any bool

	kind  Kind
	names []string // of fields
}

// The levels of a message and the types of an object event.
var (
	Levels      = []string{"error", "warning", "success", "info"}
	ObjectTypes = []string{"issueUpdate", "notification", "datasetUpdate", "uploadFile", "downloadFile"}
)

var kinds = withNames(map[Kind]*spec{
	ProjectUpdated: {
		fields: []field{{name: "project_name", form: aText}, {name: "trigger", form: aText}},
		topic:  []string{"projects/", "$project_name"},
	},
	Telemetry: {
		fields: []field{{name: "device_id", form: anID}, {name: "telemetry", form: anObject}},
		topic:  []string{"telemetry/", "$device_id"}, key: []string{"$device_id"}, parts: "telemetry",
	},
	Alert: {
		fields: []field{{name: "alert_id", form: anID}, {name: "device_id", form: anID},
			{name: "severity", form: aText},
			{name: "title", form: anyText}, {name: "message", form: anyText},
			{name: "timestamp", form: aText, optional: true},
			{name: "alert_type", form: aText, optional: true}, {name: "metadata", form: anObject, optional: true}},
		topic: []string{"alerts/", "$device_id"},
	},
	DeviceStatus: {
		fields: []field{{name: "device_id", form: anID}, {name: "old_status", form: aText},
			{name: "new_status", form: aText},
			{name: "reason", form: anyText, optional: true}, {name: "timestamp", form: aText, optional: true},
			{name: "metadata", form: anObject, optional: true}},
		topic: []string{"devices/", "$device_id"}, key: []string{"$device_id"},
	},
	SystemStatus: {
		fields: []field{{name: "metrics", form: anObject}, {name: "timestamp", form: aText, optional: true}},
		topic:  []string{"system"}, key: []string{"system"}, parts: "metrics",
	},
	Object: {
		fields: []field{{name: "type", form: aText, oneOf: ObjectTypes}, {name: "id", form: anID},
			{name: "data", form: aList, optional: true}},
		topic: []string{"$type", "/", "$id"},
	},
	TriggerUpdate: {
		fields: []field{{name: "outpost", form: aText}, {name: "args", form: anObject, optional: true}},
		topic:  []string{"outposts/", "$outpost"}, key: []string{"$outpost"},
	},
	Message: {
		fields: []field{{name: "level", form: aText, oneOf: Levels}, {name: "message", form: anyText},
			{name: "title", form: anyText, optional: true}, {name: "tags", form: anyText, optional: true}},
	},
	JSON:  {},
	Value: {any: true},
	Named: {fields: []field{{name: "event", form: aText}, {name: "data", form: aValue},
		{name: "user_id", form: anID, optional: true}}},
})

func withNames(kinds map[Kind]*spec) map[Kind]*spec {
	for kind, s := range kinds {
		s.kind = kind
		for _, f := range s.fields {
			s.names = append(s.names, f.name)
		}
	}
	return kinds
}

// Kinds are all kinds, sorted.
func Kinds() []Kind {
	var all []Kind
	for k := range kinds {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// KindOf is Kind(name), without garbage for a kind that is known.
func KindOf(name []byte) Kind {
	if spec := kinds[Kind(name)]; spec != nil {
		return spec.kind
	}
	return Kind(name)
}

var knownKinds = func() string {
	var names []string
	for k := range kinds {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}()

// check holds an event against its kind and finds its parts.
func (s *spec) check(ev *Event) error {
	for i := range s.fields {
		f := &s.fields[i]
		raw := ev.Member(f.name)
		if raw == nil || string(raw) == "null" && f.form != aValue {
			if f.optional {
				continue
			}
			return Refuse(Malformed, "data.%s is missing; %s needs it (%s)", f.name, ev.Kind.Event(), f.form)
		}
		if !f.fits(raw) {
			return Refuse(Malformed, "data.%s of %s must be %s", f.name, ev.Kind.Event(), f.form)
		}
		if f.oneOf == nil {
			continue
		}
		if text, _ := rawjson.Text(raw); !slices.Contains(f.oneOf, text) {
			return Refuse(Malformed, "data.%s must be one of %s, not %s", f.name, strings.Join(f.oneOf, ", "),
				Quote(text))
		}
	}
	if s.parts != "" {
		return s.split(ev)
	}
	return nil
}

// split reads the parts, whose names filters and views must be able to carry.
func (s *spec) split(ev *Event) error {
	parts := rawjson.Split(make([]rawjson.Member, 0, 4), ev.Member(s.parts), nil)
	for i := range parts {
		if CheckName("", parts[i].Name) != nil { // what the message calls it is put together when there is one
			return CheckName("data."+s.parts+"'s member", parts[i].Name)
		}
	}
	ev.parts = parts
	return nil
}

func (f *field) fits(raw []byte) bool {
	switch f.form {
	case aText:
		text, ok := rawjson.Text(raw)
		return ok && text != ""
	case anyText:
		return raw[0] == '"'
	case anID:
		text, ok := rawjson.Scalar(raw)
		return ok && text != "" && text != "true" && text != "false" &&
			(raw[0] == '"' || !strings.ContainsAny(text, ".eE"))
	case anObject:
		return raw[0] == '{'
	case aValue:
		return true
	default:
		return raw[0] == '[' || raw[0] == '{'
	}
}

// name fills a template with the event's members.
func (s *spec) name(ev *Event, template []string) string {
	if len(template) == 1 {
		return ev.piece(template[0])
	}
	var b strings.Builder
	for _, piece := range template {
		b.WriteString(ev.piece(piece))
	}
	return b.String()
}

// piece is what a piece of a template says of the event.
func (ev *Event) piece(piece string) string {
	if member, ok := strings.CutPrefix(piece, "$"); ok {
		piece, _ = rawjson.Scalar(ev.Member(member))
	}
	return piece
}
