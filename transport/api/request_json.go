package api

import (
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// parseBody parses a body into its members, which must be known.
func parseBody(body []byte, known []string) ([]rawjson.Member, error) {
	if err := checkBody(body); err != nil {
		return nil, err
	}
	return parseObject("the body", body, known, nil)
}

// checkBody checks that a body is one strict JSON value. No part of a body that passed is checked again.
func checkBody(body []byte) error {
	if err := rawjson.Check(body); err != nil {
		return jsonRefusal("the body", err)
	}
	return nil
}

// parseObject appends the members of an object in a checked body to buf; messages call the object what. An unknown
// member is more likely a slip than something to ignore, so it is refused. A member that is null counts as left out.
func parseObject(what string, checked []byte, known []string, buf []rawjson.Member) ([]rawjson.Member, error) {
	if !rawjson.IsObject(checked) {
		return nil, jsonRefusal(what, rawjson.ErrNotObject)
	}
	members := rawjson.Split(buf, checked, known)
	for i := range members {
		if !slices.Contains(known, members[i].Name) {
			return nil, protocol.Refuse(protocol.Malformed, "%s has no member %s; known are %s",
				what, protocol.Quote(members[i].Name), strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(members, func(m rawjson.Member) bool { return m.Value[0] == 'n' }), nil
}

func jsonRefusal(what string, err error) error {
	switch {
	case errors.Is(err, rawjson.ErrNotObject):
		return protocol.Refuse(protocol.Malformed, "%s must be a JSON object", what)
	case errors.Is(err, rawjson.ErrTooDeep):
		return protocol.Refuse(protocol.Malformed, "%s %s", what, err)
	case errors.Is(err, io.EOF):
		return protocol.Refuse(protocol.Malformed, "%s is empty; it must be a JSON object", what)
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return protocol.Refuse(protocol.Malformed,
			"%s is not valid JSON at byte %d: %s", what, syntax.ByteOffset, printable(syntax.Err))
	}
	return protocol.Refuse(protocol.Malformed, "%s is not valid JSON: %s", what, printable(err))
}

// printable makes the message of a library, which may quote its input, short and printable.
func printable(err error) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, strings.ToValidUTF8(err.Error(), "."))
	if cut := 120; len(text) > cut {
		text = strings.ToValidUTF8(text[:cut], "") + "..."
	}
	return text
}

// readText reads a string; name is the member's, for messages.
func readText(name string, raw []byte) (string, error) {
	text, ok := rawjson.Text(raw)
	if !ok {
		return "", protocol.Refuse(protocol.Malformed, "%s must be a string", name)
	}
	return text, nil
}

// readName reads a string that protocol.CheckName passes.
func readName(name string, raw []byte) (string, error) {
	text, err := readText(name, raw)
	if err != nil {
		return "", err
	}
	return text, protocol.CheckName(name, text)
}

// readUser reads a user's id: a string, or an integer of a backend whose ids are integers.
func readUser(name string, raw []byte) (string, error) {
	user, ok := rawjson.Scalar(raw)
	if !ok || raw[0] == 't' || raw[0] == 'f' || raw[0] != '"' && strings.ContainsAny(user, ".eE") {
		return "", protocol.Refuse(protocol.Malformed, "%s must be a user's id, a string or an integer", name)
	}
	return user, protocol.CheckName(name, user)
}

// readNumber reads an integer from 0 to limit.
func readNumber(name string, raw []byte, limit uint64) (uint64, error) {
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil || n > limit {
		return 0, protocol.Refuse(protocol.Malformed, "%s must be an integer from 0 to %d", name, limit)
	}
	return n, nil
}

// The first and the last second that RFC 3339 can write, those of the years 0 and 9999, in Unix time.
const firstSecond, lastSecond = -62167219200, 253402300799

// readTime reads RFC 3339, or Unix seconds with or without a fraction.
func readTime(name string, raw []byte) (time.Time, error) {
	if text, ok := rawjson.Text(raw); ok {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err == nil && t.Unix() >= firstSecond && t.Unix() <= lastSecond {
			return nonZero(t.UTC()), nil
		}
	} else if t, ok := unixTime(string(raw)); ok {
		return nonZero(t), nil
	}
	return time.Time{}, protocol.Refuse(protocol.Malformed,
		"%s must be RFC 3339, such as \"2026-01-31T12:00:00Z\", or Unix seconds, such as 1769860800.25", name)
}

// utc is UTC as a Location that is not the zero value.
var utc = time.FixedZone("UTC", 0)

// nonZero gives the first of January of the year 1, which a publisher may mean, another form than the zero value of a
// time, which stands for no time.
func nonZero(t time.Time) time.Time {
	if t.IsZero() {
		return t.In(utc)
	}
	return t
}

func unixTime(number string) (time.Time, bool) {
	seconds, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(seconds) || seconds < firstSecond || seconds > lastSecond {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	// A float holds today's time to the microsecond.
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000).UTC(), true
}
