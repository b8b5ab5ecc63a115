package centrifuge

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// subscription is a subscribe or sub_refresh that the engine looks at.
type subscription struct {
	id      uint32
	name    string
	of      *channel
	refresh bool
	since   protocol.Position // where the client stood; zero if it does not recover
	recover bool
	lost    bool               // it cannot recover
	absent  bool               // the channel has as many members as a topic may have, so that it is none of them
	strict  bool               // then it wants an error
	as      *protocol.Identity // by its own token; nil is by that of the connection
	expires time.Time          // when that token does
	claims  claims
	with    *welcome // the connect whose token asked for it; nil if the client did
}

// rejectUnrecovered is the flag of a client that wants an error if it cannot recover.
const rejectUnrecovered = 2

// private is how the names of channels begin that need a token of their own.
const private = "$"

// subscribe subscribes to a channel, with its token if it has one.
func (s *session) subscribe(r *request, name string) []protocol.Command {
	token := r.text("token")
	switch {
	case s.channels[name] != nil:
		return []protocol.Command{fail(r.id, alreadySubscribed)}
	case len(s.channels) >= maxChannels:
		return []protocol.Command{fail(r.id, limitExceeded)}
	case token == "" && strings.HasPrefix(name, private):
		return []protocol.Command{fail(r.id, permissionDenied)}
	}
	sub := &subscription{id: r.id, name: name, claims: readClaims(token), recover: r.is("recover"),
		strict: r.number("flag")&rejectUnrecovered != 0}
	sub.of = s.add(name, &channel{joinLeave: r.is("join_leave"), info: slices.Clone(sub.claims.info)})
	if sub.recover {
		offset, _ := strconv.ParseUint(string(rawjson.Find(r.params, "offset")), 10, 64)
		sub.since = protocol.Position{Epoch: r.text("epoch"), Offset: offset}
		sub.lost = sub.since.Epoch == ""
	}
	if token == "" {
		return []protocol.Command{s.ask(sub)}
	}
	return []protocol.Command{verify(sub, token)}
}

func verify(sub *subscription, token string) protocol.Verify {
	return protocol.Verify{Credential: protocol.Credential{Token: token, Claims: accepted}, Tag: sub}
}

func (s *session) add(name string, c *channel) *channel {
	if s.channels == nil {
		s.channels = map[string]*channel{}
	}
	s.channels[name] = c
	return c
}

// ask is the command for a subscription.
func (s *session) ask(sub *subscription) protocol.Subscribe {
	command := protocol.Subscribe{Topic: sub.name, As: sub.as, AnswerFirst: true, Tag: sub, Filter: protocol.Filter{
		Exact: true, WithPosition: true, Members: sub.of.joinLeave,
	}}
	if of, _ := s.dialect.config.namespace(sub.name); of.Presence && !sub.absent {
		command.Filter.Member = member(s.client(), s.user, s.info, sub.of.info)
	}
	if !sub.lost && !sub.refresh {
		command.Since = sub.since
	}
	return command
}

// refreshChannel has a new token of a channel checked.
func (s *session) refreshChannel(r *request, name string) []protocol.Command {
	token, of := r.text("token"), s.channels[name]
	if of == nil || token == "" {
		return []protocol.Command{fail(r.id, permissionDenied)}
	}
	sub := &subscription{id: r.id, name: name, of: of, refresh: true, claims: readClaims(token)}
	return []protocol.Command{verify(sub, token)}
}

// verified goes on with a subscription whose token holds, if it is for this channel and user.
func (s *session) verified(sub *subscription, outcome protocol.Outcome) []protocol.Command {
	refusal, id := outcome.Err, outcome.Identity
	if refusal == nil && (sub.claims.channel != sub.name || id.User != s.user) {
		refusal = protocol.Refuse(protocol.Forbidden, "the token is for another channel or user")
	}
	if refusal != nil {
		return s.refused(sub, refusal)
	}
	if sub.refresh && s.channels[sub.name] != sub.of { // it has ended meanwhile
		return []protocol.Command{fail(sub.id, permissionDenied)}
	}
	as := *id
	as.Topics, sub.expires = []protocol.Pattern{protocol.Pattern(sub.name)}, id.Expires
	if !as.Expires.IsZero() {
		as.Expires = as.Expires.Add(grace)
	}
	sub.as = &as
	return []protocol.Command{s.ask(sub)}
}

// subscribed answers a subscription.
func (s *session) subscribed(command protocol.Subscribe, outcome protocol.Outcome) []protocol.Command {
	sub := command.Tag.(*subscription)
	if err := outcome.Err; err != nil {
		recovers := command.Since != (protocol.Position{})
		if recovers && !sub.strict && (err.Reason == protocol.PositionLost || err.Reason == protocol.Conflict) {
			sub.lost = true
			return []protocol.Command{s.ask(sub)}
		}
		if err.Reason == protocol.TooMany && command.Filter.Member != nil {
			sub.absent = true
			return []protocol.Command{s.ask(sub)}
		}
		return s.refused(sub, err)
	}
	if sub.with != nil {
		return s.joined(sub, outcome)
	}
	method := "subscribe"
	if sub.refresh {
		method = "sub_refresh"
	}
	text := appendID(nil, sub.id, method)
	if !sub.refresh {
		text = sub.appendPosition(text, outcome.Position)
	}
	text = appendTTL(text, outcome.Now, sub.expires)
	return []protocol.Command{protocol.Send{Text: append(trimComma(text), "}}"...)}}
}

// appendPosition adds where a subscription begins. A client that has recovered is told its own offset, since what it
// missed follows.
func (sub *subscription) appendPosition(text []byte, at protocol.Position) []byte {
	if sub.recover {
		text = append(text, `"was_recovering":true,`...)
		if !sub.lost {
			text, at = append(text, `"recovered":true,`...), sub.since
		}
	}
	if at.Epoch == "" {
		return text
	}
	text = rawjson.AppendText(append(text, `"recoverable":true,"positioned":true,"epoch":`...), at.Epoch)
	text = append(text, ',')
	if at.Offset > 0 {
		text = appendMemberInt(text, "offset", at.Offset)
	}
	return text
}

// refused answers a subscription that is refused. A refresh leaves the subscription as it was.
func (s *session) refused(sub *subscription, refusal *protocol.Refusal) []protocol.Command {
	if !sub.refresh && s.channels[sub.name] == sub.of {
		delete(s.channels, sub.name)
	}
	if sub.with != nil {
		return s.settled(sub.with)
	}
	return failed(sub.id, refusal)
}

// unsubscribe ends a subscription. One that there is not is ended already.
func (s *session) unsubscribe(r *request, name string) []protocol.Command {
	delete(s.channels, name)
	return []protocol.Command{protocol.Unsubscribe{Topic: name, Tag: r.id}}
}

// ended tells that a subscription has ended without being asked to: by its token's end the client may show another one,
// and by that of a right it may not.
func (s *session) ended(refusal *protocol.Refusal) []protocol.Command {
	if s.channels[refusal.Topic] == nil {
		return nil
	}
	delete(s.channels, refusal.Topic)
	code, reason := uint64(2000), "server unsubscribe"
	switch refusal.Reason {
	case protocol.TokenExpired:
		code, reason = 2501, "expired"
	case protocol.PositionLost, protocol.Slow:
		code, reason = 2500, "insufficient state"
	}
	text := rawjson.AppendText([]byte(`{"push":{"channel":`), refusal.Topic)
	text = appendMemberInt(append(text, `,"unsubscribe":{`...), "code", code)
	text = rawjson.AppendText(append(text, `"reason":`...), reason)
	return []protocol.Command{protocol.Send{Text: append(text, "}}}"...)}}
}

// appendMemberInt adds a number, and the comma behind it.
func appendMemberInt(text []byte, name string, value uint64) []byte {
	text = append(append(append(text, '"'), name...), `":`...)
	return append(strconv.AppendUint(text, value, 10), ',')
}
