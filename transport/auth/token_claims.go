package auth

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// claims are the claims of a token whose signature holds.
type claims []rawjson.Member

func readClaims(raw []byte) (claims, error) {
	members, err := rawjson.ReadObject(raw)
	return claims(members), err
}

// maxPatterns bounds the claims "topics" and "publish", since every subscribe or publish compares with all of them.
const maxPatterns = 256

// typeClaims are the claims in which issuers say what a token is for: "type", Keycloak's "typ" and Simple JWT's
// "token_type".
var typeClaims = []string{"type", "typ", "token_type"}

// maxUnixSeconds is the end of the year 9999. Greater numbers are milliseconds that were taken for seconds.
const maxUnixSeconds = 253402300799

// find returns the claim called name; a dot goes one object deeper, unless a claim with that whole name exists.
func (c claims) find(name string) []byte {
	if raw := rawjson.Find(c, name); raw != nil {
		return raw
	}
	outer, rest, ok := strings.Cut(name, ".")
	if !ok {
		return nil
	}
	inner, err := rawjson.ReadObject(rawjson.Find(c, outer))
	if err != nil {
		return nil
	}
	return claims(inner).find(rest)
}

func (c claims) has(name string) bool {
	raw := c.find(name)
	return raw != nil && string(raw) != "null"
}

// time reads a NumericDate (RFC 7519 section 2). An absent one is the zero time; ok is false for one that is no time.
func (c claims) time(name string) (at time.Time, ok bool) {
	raw := rawjson.Find(c, name)
	if raw == nil {
		return time.Time{}, true
	}
	// The claims are valid JSON, so a value that begins with a digit is a number that is not negative.
	if raw[0] < '0' || raw[0] > '9' {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds > maxUnixSeconds {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
}

// user reads the user's id: a text, or a whole number in the digits in which it was written, so that none is rounded.
func (c claims) user(names []string) (string, bool) {
	for _, name := range names {
		if raw := c.find(name); raw != nil {
			return identifier(raw)
		}
	}
	return "", false
}

// identifier reads a text or whole number that can be a name.
func identifier(raw []byte) (string, bool) {
	text, ok := rawjson.Scalar(raw)
	if !ok || raw[0] != '"' && !isInteger(text) {
		return "", false
	}
	return text, protocol.CheckName("identifier", text) == nil
}

// isInteger accepts one spelling of each whole number: 1e3 and -0 would be second names of other users.
func isInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == "" && text != "-0"
}

// tokenID reads jti, "" if there is none.
func (c claims) tokenID() (string, bool) {
	raw := rawjson.Find(c, "jti")
	if raw == nil {
		return "", true
	}
	return identifier(raw)
}

// topics reads the patterns of a claim; a token without it has others.
func (c claims) topics(claim string, otherwise []protocol.Pattern) ([]protocol.Pattern, bool) {
	raw := rawjson.Find(c, claim)
	if raw == nil {
		return otherwise, true
	}
	elements, ok := rawjson.ReadArray(raw)
	if !ok || len(elements) > maxPatterns {
		return nil, false
	}
	patterns := make([]protocol.Pattern, len(elements))
	for i, element := range elements {
		text, ok := rawjson.Text(element)
		if !ok || checkPattern(text) != nil {
			return nil, false
		}
		patterns[i] = protocol.Pattern(text)
	}
	return patterns, true
}

// checkPattern says why text is no pattern. A pattern is a topic, what lies below one (a/*), a prefix (a*), or all (*).
func checkPattern(text string) error {
	prefix, open := strings.CutSuffix(text, "*")
	if open && prefix == "" {
		return nil
	}
	if open && prefix != "/" {
		prefix = strings.TrimSuffix(prefix, "/")
	}
	return protocol.CheckTopic(prefix)
}

// issuer reads iss, "" if there is none or it is no text.
func (c claims) issuer() string {
	text, _ := rawjson.Text(rawjson.Find(c, "iss"))
	return text
}

// isFor reports whether aud, a text or a list of texts, names audience.
func (c claims) isFor(audience string) bool {
	raw := rawjson.Find(c, "aud")
	if raw == nil || raw[0] != '[' {
		text, ok := rawjson.Text(raw)
		return ok && text == audience
	}
	return slices.ContainsFunc(elementsOf(raw), func(element []byte) bool {
		text, ok := rawjson.Text(element)
		return ok && text == audience
	})
}

// isRefused reports whether the token says that it is for one of the refused purposes, or says so in something other
// than a text.
func (c claims) isRefused(purposes []string) bool {
	if len(purposes) == 0 {
		return false
	}
	for _, name := range typeClaims {
		raw := rawjson.Find(c, name)
		if raw == nil {
			continue
		}
		text, ok := rawjson.Text(raw)
		if !ok || slices.ContainsFunc(purposes, func(p string) bool { return strings.EqualFold(p, text) }) {
			return true
		}
	}
	return false
}
