package dialecttest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Token is what a transcript wants of a token.
type Token struct {
	User string
	// Expired: its time is over. Foreign: signed with a key that is not the tenant's.
	Expired, Foreign bool
	// Topics are those that it grants (default all), Publish those that it grants to publish to (default none).
	Topics, Publish []protocol.Pattern
	TTL             time.Duration
	// Type is the claim "type", ID the claim "jti"; "" for none.
	Type, ID string
	// Form is its type, For is the name that it is bound to.
	Form protocol.CredentialType
	For  string
	// Unknown: its user does not exist.
	Unknown bool
	// Claims are further claims, by name; each value is JSON.
	Claims map[string]string
}

// grants are the patterns of the token's identity.
func (t *Token) grants() []protocol.Pattern {
	all := slices.Clone(t.Topics)
	for _, p := range t.Publish {
		all = append(all, protocol.PublishTo(p))
	}
	return all
}

// claim adds a claim, whose value is JSON or else a text.
func (t *Token) claim(name, value string) {
	if rawjson.Check([]byte(value)) != nil {
		value = string(rawjson.AppendText(nil, value))
	}
	if t.Claims == nil {
		t.Claims = map[string]string{}
	}
	t.Claims[name] = value
}

// payload is the part of a JWT that says the claims.
func (t *Token) payload() string {
	var members []string
	for name, value := range t.Claims {
		members = append(members, string(rawjson.AppendText(nil, name))+":"+value)
	}
	return base64.RawURLEncoding.EncodeToString([]byte("{" + strings.Join(members, ",") + "}"))
}

// substitute fills in the placeholders of what a client sends.
func substitute(text string, stage Stage) (string, error) {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		inner, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "", fmt.Errorf("a placeholder does not end: ${%s", rest)
		}
		value, err := fill(inner, stage)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		text = after
	}
}

func fill(inner string, stage Stage) (string, error) {
	word, rest, _ := strings.Cut(inner, ":")
	if word == "pad" {
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 || n > maxLine {
			return "", fmt.Errorf("pad wants a number up to %d, not %q", maxLine, rest)
		}
		return strings.Repeat("x", n), nil
	}
	token, err := parseToken(word, rest)
	if err != nil {
		return "", err
	}
	return stage.Token(token), nil
}

func patterns(list string) (all []protocol.Pattern) {
	for topic := range strings.SplitSeq(list, ",") {
		all = append(all, protocol.Pattern(topic))
	}
	return all
}

func parseToken(word, rest string) (Token, error) {
	token := Token{Expired: word == "expired", Foreign: word == "foreign", Topics: []protocol.Pattern{"*"},
		TTL: time.Hour}
	if word != "token" && !token.Expired && !token.Foreign {
		return token, fmt.Errorf("unknown placeholder %q", word)
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return token, fmt.Errorf("%s wants a user", word)
	}
	token.User = words[0]
	for _, option := range words[1:] {
		key, value, _ := strings.Cut(option, "=")
		if claim, ok := strings.CutPrefix(key, "claim."); ok {
			token.claim(claim, value)
			continue
		}
		switch key {
		case "topics":
			token.Topics = patterns(value)
		case "publish":
			token.Publish = patterns(value)
		case "ttl":
			ttl, err := time.ParseDuration(value)
			if err != nil {
				return token, err
			}
			token.TTL = ttl
		case "type":
			token.Type = value
		case "id":
			token.ID = value
		case "form":
			token.Form = protocol.CredentialType(value)
		case "for":
			token.For = value
		case "known":
			token.Unknown = value == "no"
		default:
			return token, fmt.Errorf("unknown option %q of a token", key)
		}
	}
	return token, nil
}
