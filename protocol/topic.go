package protocol

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName bounds the names of topics, users and events, in bytes.
const MaxName = 255

// CheckTopic says why name cannot be a topic, or nil. Topics are compared byte by byte; a name that could pass for
// another one (control and invisible characters, spaces at the ends, empty or dotted segments, pattern characters) is
// refused instead of being cleaned.
func CheckTopic(name string) error {
	if err := CheckName("topic", name); err != nil {
		return err
	}
	for segment := range strings.SplitSeq(name, "/") {
		switch {
		case segment == "":
			return Refuse(Malformed, "topic %s has an empty segment", Quote(name))
		case segment == "." || segment == "..":
			return Refuse(Malformed, "topic %s has a segment of dots", Quote(name))
		case strings.TrimSpace(segment) != segment:
			return Refuse(Malformed, "topic %s has a segment that begins or ends with a space", Quote(name))
		}
	}
	if strings.ContainsAny(name, "*?#") {
		return Refuse(Malformed, "topic %s contains a pattern character (* ? #)", Quote(name))
	}
	return nil
}

// CheckName says why name cannot name a user, an event or a topic, or nil. what is the word for it in the message.
func CheckName(what, name string) error {
	switch {
	case name == "":
		return Refuse(Malformed, "%s is empty", what)
	case len(name) > MaxName:
		return Refuse(Malformed, "%s has %d bytes; the limit is %d", what, len(name), MaxName)
	case !utf8.ValidString(name):
		return Refuse(Malformed, "%s is not valid UTF-8", what)
	}
	for _, r := range name {
		if r >= ' ' && r <= '~' { // nearly all are, and the tables of Unicode take longer than all other checks
			continue
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return Refuse(Malformed, "%s %s contains a control or invisible character", what, Quote(name))
		}
	}
	if strings.TrimSpace(name) != name {
		return Refuse(Malformed, "%s %s begins or ends with a space", what, Quote(name))
	}
	return nil
}

// Parent returns the topic above name ("telemetry" for "telemetry/7"), "" for a root.
func Parent(name string) string {
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		return name[:i]
	}
	return ""
}

// Under reports whether topic is ancestor itself or lies below it.
func Under(topic, ancestor string) bool {
	return strings.HasPrefix(topic, ancestor) && (len(topic) == len(ancestor) || topic[len(ancestor)] == '/')
}

// Pattern grants topics: "*" all, "a/b" that topic and what lies below it (whose events its subscribers hear anyway),
// "a/*" only what lies below, "a*" every name that begins so.
type Pattern string

// PatternList writes patterns for people, with commas between them.
func PatternList(all []Pattern) string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = string(p)
	}
	return strings.Join(texts, ", ")
}

// Grants reports whether the pattern covers topic.
func (p Pattern) Grants(topic string) bool {
	if prefix, ok := strings.CutSuffix(string(p), "*"); ok {
		return strings.HasPrefix(topic, prefix) && len(topic) > len(prefix)
	}
	return p != "" && Under(topic, string(p))
}
