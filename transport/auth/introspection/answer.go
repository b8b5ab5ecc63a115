package introspection

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Answer is the backend's answer. It is never changed.
type Answer struct {
	Allow bool
	// User is the session's user, Outpost the token's outpost, ID the name in revocations; "" if the answer has none.
	User, Outpost, ID string
	// Topics are patterns; nothing is checked but that they are texts. nil if the answer has none.
	Topics []string
	// Issued and Expires are zero if the answer has none.
	Issued, Expires time.Time

	ttl *time.Duration // how long it may be cached; nil if the answer has none
}

var errNoAnswer = errors.New("the answer does not have the form that is asked for")

// readAnswer reads the backend's answer.
func readAnswer(text []byte) (Answer, error) {
	var a Answer
	members, err := rawjson.ReadObject(text)
	if err != nil {
		return a, errNoAnswer
	}
	switch string(rawjson.Find(members, "allow")) {
	case "true":
		a.Allow = true
	case "false":
	default:
		return a, errNoAnswer
	}
	fields := fields{members: members}
	a.User, a.Outpost, a.ID, a.Topics = fields.name("user"), fields.name("outpost"), fields.name("id"), fields.topics()
	a.Issued, a.Expires = fields.time("issued"), fields.time("expires")
	if seconds, ok := fields.seconds("ttl"); ok {
		a.ttl = new(time.Duration(min(seconds, 24*3600)) * time.Second)
	}
	if fields.wrong {
		return Answer{}, errNoAnswer
	}
	return a, nil
}

// fields reads members that may be absent or null, and notes whether one had a wrong form.
type fields struct {
	members []rawjson.Member
	wrong   bool
}

func (f *fields) find(name string) []byte {
	if raw := rawjson.Find(f.members, name); string(raw) != "null" {
		return raw
	}
	return nil
}

// name reads a text or whole number.
func (f *fields) name(member string) string {
	raw := f.find(member)
	if raw == nil {
		return ""
	}
	text, ok := rawjson.Scalar(raw)
	if raw[0] != '"' && strings.Trim(text, "0123456789") != "" || !ok || protocol.CheckName(member, text) != nil {
		f.wrong = true
		return ""
	}
	return text
}

// maxUnixSeconds is the end of the year 9999. Greater numbers are milliseconds that were taken for seconds.
const maxUnixSeconds = 253402300799

func (f *fields) seconds(member string) (int64, bool) {
	raw := f.find(member)
	if raw == nil {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 0 || seconds > maxUnixSeconds {
		f.wrong = true
		return 0, false
	}
	return int64(seconds), true
}

func (f *fields) time(member string) time.Time {
	seconds, ok := f.seconds(member)
	if !ok {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func (f *fields) topics() []string {
	raw := f.find("topics")
	if raw == nil {
		return nil
	}
	elements, ok := rawjson.ReadArray(raw)
	if !ok || len(elements) > maxTopics {
		f.wrong = true
		return nil
	}
	texts := make([]string, len(elements))
	for i, element := range elements {
		if texts[i], ok = rawjson.Text(element); !ok {
			f.wrong = true
		}
	}
	return texts
}
