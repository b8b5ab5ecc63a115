package protocol

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter is what one subscription wants of its topic. The zero Filter wants everything. A Filter is never changed after
// it was handed on.
type Filter struct {
	// Where are conditions that must all hold.
	Where []Condition
	// View is what is wanted of the payload's parts (metric names, see [Event.Parts]); the zero View is all of them.
	View Projection
	// Every is the least time between two events of one key; in between, the latest wins. 0 is every event.
	Every time.Duration
	// Exact wants the events of the topic itself alone, and none of those below. A topic's offsets count what lies
	// below, so to such a subscription they have gaps.
	Exact bool
	// WithPosition has Encode told where each event stands, and in which topic.
	WithPosition bool
	// Label is what the client calls the subscription, at most MaxLabel bytes; Encode is told it. Of several
	// subscriptions that want an event the label of the deepest topic counts. A client that has several names for one
	// topic puts all of them in one label: the engine delivers an event to a connection once.
	Label string
	// Member is present in the topic while the subscription lasts; nil is nobody. The subscription of one more than
	// MaxMembers, if that is not 0, is refused as TooMany.
	Member     *Member
	MaxMembers int
	// Members asks for those who are present, as Outcome.Members, and has the subscription hear who comes and goes
	// later: MemberJoined and MemberLeft, but not of its own connection.
	Members bool
}

// MaxLabel bounds a Filter.Label, in bytes.
const MaxLabel = 4 << 10

// IsZero reports whether the filter wants everything, and nothing special of Encode.
func (f *Filter) IsZero() bool {
	return f.Where == nil && f.View == All && f.Every == 0 && !f.Exact && !f.WithPosition && f.Label == "" &&
		f.Member == nil && !f.Members
}

// Condition holds for an event whose Attribute has one of the values In.
type Condition struct {
	Attribute string
	In        []string
}

// Select reports whether the filter wants an event of its topic, and what it leaves of it. Exact is not its matter,
// since a filter does not know its topic. A message is for people: it has nothing
// to filter on and passes every filter.
func (f *Filter) Select(ev *Event) (Projection, bool) {
	if ev.isMember() {
		return All, f.Members
	}
	if ev.Kind == Message {
		return All, true
	}
	for i := range f.Where {
		value, ok := ev.Attribute(f.Where[i].Attribute)
		if !ok || !slices.Contains(f.Where[i].In, value) {
			return "", false
		}
	}
	if ev.parts == nil || f.View == All {
		return All, true
	}
	for i := range ev.parts {
		if f.View.Includes(ev.parts[i].Name) {
			return f.View, true
		}
	}
	return All, false
}

// Key is a text that two filters share exactly when they want the same, whoever is present by them.
func (f *Filter) Key() string {
	if f.IsZero() {
		return ""
	}
	var b strings.Builder
	where := slices.Clone(f.Where)
	slices.SortFunc(where, func(a, b Condition) int { return strings.Compare(a.Attribute, b.Attribute) })
	for _, c := range where {
		b.WriteString(strconv.Quote(c.Attribute))
		for _, v := range slices.Sorted(slices.Values(c.In)) {
			b.WriteString(strconv.Quote(v))
		}
		b.WriteByte(0)
	}
	if f.View != All {
		b.WriteByte(1)
		b.WriteString(strconv.Quote(string(f.View)))
	}
	if f.Every > 0 {
		b.WriteByte(2)
		b.WriteString(f.Every.String())
	}
	if f.Exact {
		b.WriteByte(7)
	}
	if f.WithPosition {
		b.WriteByte(8)
	}
	if f.Members {
		b.WriteByte(10)
	}
	if f.Label != "" {
		b.WriteByte(9)
		b.WriteString(strconv.Quote(f.Label))
	}
	return b.String()
}

// Projection names what is left of an event: the whole, or the parts that are listed. Equal projections of one event
// have equal bytes in one dialect, which is why an event is encoded once per dialect and projection.
type Projection string

// All is the projection that leaves everything.
const All Projection = ""

// None is the projection that leaves nothing.
const None Projection = "\x00"

// Project returns the projection that leaves the named parts.
func Project(fields []string) Projection {
	if !slices.IsSorted(fields) {
		fields = slices.Sorted(slices.Values(fields))
	}
	return Projection("\x00" + strings.Join(fields, "\x00"))
}

// Includes reports whether the projection leaves the part called name.
func (v Projection) Includes(name string) bool {
	for rest := string(v); rest != ""; {
		rest = rest[1:]
		field := rest
		if i := strings.IndexByte(rest, 0); i >= 0 {
			field, rest = rest[:i], rest[i:]
		} else {
			rest = ""
		}
		if field == name {
			return true
		}
	}
	return v == All
}

// Union is the view that leaves what either leaves.
func (v Projection) Union(w Projection) Projection {
	if v == w || v == All || w == All {
		if v == w {
			return v
		}
		return All
	}
	fields := strings.Split(string(v[1:]), "\x00")
	for _, f := range strings.Split(string(w[1:]), "\x00") {
		if !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	return Project(fields)
}
