package protocol

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Event is what is published to a topic or sent to a user. It is never changed after NewEvent, so it may be shared.
type Event struct {
	// ID is the publisher's id for it, by which a second publish of the same event is recognised.
	ID   string
	Kind Kind
	// Topic is the topic it was published to; "" for an event that was sent to users.
	Topic string
	// Key is what conflation goes by: of two waiting events with one key the newer replaces the older.
	Key  string
	Time time.Time
	// Data is the JSON object as it was published; of the kind Value it is any JSON value.
	Data []byte

	members []rawjson.Member // of Data
	parts   []rawjson.Member // of the member that views can take from, nil if the kind has none
}

// EventInput is what a publisher says about an event.
type EventInput struct {
	ID   string
	Kind Kind
	// Topic is where it is published to; "" means where its kind belongs.
	Topic string
	Key   string
	// Time is when it happened; the zero value is when it is published. The first second of the year 1 is in a Location
	// that is not the zero value's.
	Time time.Time
	Data []byte
	// Checked says that Data is a part of what rawjson.Check has passed, so that it is not checked again.
	Checked bool
}

// MaxKey bounds a conflation key, in bytes.
const MaxKey = 255

// NewEvent checks a draft against its kind and makes it an event. Data is kept, not copied: the caller hands it over.
// Members that the kind does not know are tolerated and heard by those dialects that pass an object on unchanged.
// The error is a Refusal with reason Malformed that names the member and what it should be.
func NewEvent(d EventInput) (*Event, error) {
	spec, ok := kinds[d.Kind]
	if !ok {
		return nil, Refuse(Malformed, "unknown kind %s; known are %s", Quote(string(d.Kind)), knownKinds)
	}
	if d.ID != "" {
		if err := CheckName("id", d.ID); err != nil {
			return nil, err
		}
	}
	if len(d.Key) > MaxKey || !utf8.ValidString(d.Key) {
		return nil, Refuse(Malformed, "key must be UTF-8 of at most %d bytes", MaxKey)
	}
	if err := d.check(spec.any); err != nil {
		what := "object"
		if spec.any {
			what = "value"
		}
		return nil, Refuse(Malformed, "data of %s must be one JSON %s: %s", d.Kind.Event(), what, cause(err))
	}
	members := rawjson.Split(make([]rawjson.Member, 0, max(2, len(spec.names))), d.Data, spec.names)
	ev := &Event{ID: d.ID, Kind: d.Kind, Topic: d.Topic, Key: d.Key, Time: d.Time, Data: d.Data, members: members}
	if err := spec.check(ev); err != nil {
		return nil, err
	}
	if ev.Key == "" {
		ev.Key = spec.name(ev, spec.key)
	}
	return ev, nil
}

// check says why the data is not one JSON object or, with anyValue, one JSON value; or nil.
func (d *EventInput) check(anyValue bool) error {
	if !d.Checked {
		if err := rawjson.Check(d.Data); err != nil {
			return err
		}
	}
	if !anyValue && !rawjson.IsObject(d.Data) {
		return rawjson.ErrNotObject
	}
	return nil
}

// cause shortens the JSON library's message to what helps a publisher.
func cause(err error) string {
	return strings.TrimPrefix(err.Error(), "jsontext: ")
}

// HomeTopic is the topic where an event of this kind and data belongs if its publisher names none, "" if it has to be
// named (or sent to users).
func (ev *Event) HomeTopic() string {
	spec := kinds[ev.Kind]
	if spec.topic == nil {
		return ""
	}
	return spec.name(ev, spec.topic)
}

// At returns the event with the topic that it was published to.
func (ev *Event) At(topic string) *Event {
	if ev.Topic == topic {
		return ev
	}
	moved := *ev
	moved.Topic = topic
	return &moved
}

// Member returns the raw JSON of one member of the data, nil if there is none.
func (ev *Event) Member(name string) []byte { return rawjson.Find(ev.members, name) }

// Members are the members of the data in the order in which they were published.
func (ev *Event) Members() []rawjson.Member { return ev.members }

// Text returns what a string member says, "" if there is none.
func (ev *Event) Text(name string) string {
	text, _ := rawjson.Text(ev.Member(name))
	return text
}

// Attribute returns the canonical text of a scalar member of the data, or of its "metadata", for filters.
func (ev *Event) Attribute(name string) (string, bool) {
	if raw := ev.Member(name); raw != nil {
		return rawjson.Scalar(raw)
	}
	if raw := ev.Member("metadata"); raw != nil {
		return rawjson.Scalar(rawjson.Lookup(raw, name))
	}
	return "", false
}

// Parts are what a View can choose from: the metrics of a telemetry or system_status event. nil for other kinds.
func (ev *Event) Parts() []rawjson.Member { return ev.parts }

// WithParts returns the event with the parts of another in place of its own.
func (ev *Event) WithParts(other *Event) *Event {
	with := *ev
	with.parts = other.parts
	return &with
}

// Conflate joins an event with a newer one of the same key: the newer wins, part by part, so that a temperature that
// waited is not lost to a later humidity.
func (ev *Event) Conflate(newer *Event) *Event {
	if ev.parts == nil || newer.parts == nil || ev.Kind != newer.Kind {
		return newer
	}
	joined := *newer
	joined.parts = slices.Clone(ev.parts)
	for _, part := range newer.parts {
		if i := slices.IndexFunc(joined.parts, func(p rawjson.Member) bool { return p.Name == part.Name }); i >= 0 {
			joined.parts[i] = part
		} else {
			joined.parts = append(joined.parts, part)
		}
	}
	return &joined
}
