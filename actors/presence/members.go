package presence

import (
	"slices"
	"strings"
	"time"
)

// Member is a member of a topic that said, not long ago, that it is alive: an instance of an outpost.
type Member struct {
	Topic string
	Name  string
	// Data is what it told of itself last, as it told it.
	Data []byte
	// Since is when it was first heard of, Seen when it was last; at Until it is forgotten, unless it announces itself
	// again.
	Since, Seen, Until time.Time
	// Connection is the id of the connection it came by last.
	Connection string
}

// MaxMembers bounds the members of one topic; with one more, the one that ends soonest is forgotten.
const MaxMembers = 1024

// Members are those of a topic, by name. It belongs to the topic's actor.
type Members map[string]Member

// Note notes that a member is alive, for so long from now. data is what it tells of itself; nil is what it told before.
func (m Members) Note(topic, name string, data []byte, life time.Duration, connection string, now time.Time) Members {
	if m == nil {
		m = Members{}
	}
	before, known := m[name]
	if !known {
		before = Member{Topic: topic, Name: name, Since: now}
		if m.expire(now); len(m) >= MaxMembers {
			m.forgetOne()
		}
	}
	if data != nil || !known {
		before.Data = data
	}
	before.Seen, before.Until, before.Connection = now, now.Add(life), connection
	m[name] = before
	return m
}

func (m Members) expire(now time.Time) {
	for member, is := range m {
		if !now.Before(is.Until) {
			delete(m, member)
		}
	}
}

func (m Members) forgetOne() {
	first := ""
	for member, is := range m {
		if first == "" || is.Until.Before(m[first].Until) {
			first = member
		}
	}
	delete(m, first)
}

// List returns the members that are alive, in the order of their names.
func (m Members) List(now time.Time) []Member {
	m.expire(now)
	var all []Member
	for _, is := range m {
		all = append(all, is)
	}
	slices.SortFunc(all, func(x, y Member) int { return strings.Compare(x.Name, y.Name) })
	return all
}
