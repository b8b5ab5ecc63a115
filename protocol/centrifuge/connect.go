package centrifuge

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// login is a connect or a refresh that the engine looks at.
type login struct {
	id      uint32
	refresh bool
	claims  claims
}

// connect has the token checked; without one a client is let in if the settings say so.
func (s *session) connect(r *request) []protocol.Command {
	token := r.text("token")
	rules := accepted
	rules.Anonymous = s.dialect.config.Insecure
	claims := readClaims(token)
	if claims.channel != "" { // it opens a channel, and no connection
		return []protocol.Command{invalidToken}
	}
	s.stage = connecting
	s.logins = append(s.logins, login{r.id, false, claims})
	// The client shows a new token only when the old one has expired, so that the session waits for it.
	return []protocol.Command{protocol.Authenticate{IgnoreExpiry: true,
		Credential: protocol.Credential{Token: token, Claims: rules}}}
}

// refresh has a new token of the same user checked.
func (s *session) refresh(r *request) []protocol.Command {
	token := r.text("token")
	claims := readClaims(token)
	if token == "" || claims.channel != "" {
		return []protocol.Command{invalidToken}
	}
	s.logins = append(s.logins, login{r.id, true, claims})
	return []protocol.Command{protocol.Authenticate{IgnoreExpiry: true,
		Credential: protocol.Credential{Token: token, Claims: accepted}}}
}

// authenticated answers the oldest connect or refresh.
func (s *session) authenticated(outcome protocol.Outcome) []protocol.Command {
	of := s.logins[0]
	if s.logins = s.logins[1:]; len(s.logins) == 0 {
		s.logins = nil
	}
	if outcome.Err != nil {
		return s.denied(of, outcome.Err)
	}
	s.expires = outcome.Identity.Expires
	if of.refresh {
		text := appendClient(appendID(nil, of.id, "refresh"), s.client())
		text = trimComma(appendTTL(text, outcome.Now, s.expires))
		return []protocol.Command{protocol.Send{Text: append(text, "}}"...)}, s.schedule(outcome.Now)}
	}
	s.stage, s.user, s.info = connected, outcome.Identity.User, slices.Clone(of.claims.info)
	s.begin(outcome.Now, s.number)
	return append(s.join(of, outcome.Identity, outcome.Now), s.schedule(outcome.Now))
}

// denied answers a token that does not hold. A client whose first one has expired may show another.
func (s *session) denied(of login, refusal *protocol.Refusal) []protocol.Command {
	if !of.refresh && refusal.Reason == protocol.TokenExpired {
		s.stage = fresh
		return []protocol.Command{fail(of.id, tokenExpired)}
	}
	end := endOf(refusal)
	if refusal.Reason == protocol.Forbidden || refusal.Reason == protocol.Revoked {
		end = invalidToken
	}
	return []protocol.Command{end}
}

// welcome is the answer to a connect whose token holds, while the channels that the token names are subscribed to.
type welcome struct {
	id      uint32
	now     time.Time
	waiting int    // subscriptions that have no outcome yet
	subs    []byte // members of the reply
}

// join subscribes to the channels that a token names, each once, and then answers the connect.
func (s *session) join(of login, id *protocol.Identity, now time.Time) (commands []protocol.Command) {
	w := &welcome{id: of.id, now: now}
	slices.Sort(of.claims.channels)
	for _, name := range slices.Compact(of.claims.channels) {
		if _, known := s.dialect.config.namespace(name); known && protocol.CheckTopic(name) == nil {
			as := *id
			as.Topics, as.Expires = []protocol.Pattern{protocol.Pattern(name)}, time.Time{} // as long as the connection
			sub := &subscription{name: name, of: s.add(name, &channel{}), as: &as, with: w}
			commands = append(commands, s.ask(sub))
		}
	}
	if w.waiting = len(commands); w.waiting == 0 {
		return []protocol.Command{s.reply(w)}
	}
	return commands
}

// joined notes a subscription of a token.
func (s *session) joined(sub *subscription, outcome protocol.Outcome) []protocol.Command {
	w := sub.with
	w.subs = append(rawjson.AppendText(w.subs, sub.name), ":{"...)
	w.subs = append(trimComma(sub.appendPosition(w.subs, outcome.Position)), "},"...)
	return s.settled(w)
}

// settled answers the connect behind the last of its subscriptions.
func (s *session) settled(w *welcome) []protocol.Command {
	if w.waiting--; w.waiting > 0 {
		return nil
	}
	return []protocol.Command{s.reply(w)}
}

// reply is the reply to a connect.
func (s *session) reply(w *welcome) protocol.Send {
	text := appendClient(appendID(nil, w.id, "connect"), s.client())
	text = appendTTL(append(text, `"version":"parley",`...), w.now, s.expires)
	if w.subs != nil {
		text = append(append(append(text, `"subs":{`...), trimComma(w.subs)...), "},"...)
	}
	text = appendMemberInt(text, "ping", uint64(pingEvery/time.Second))
	return protocol.Send{Text: append(text, `"pong":true}}`...)}
}

func appendClient(text []byte, client string) []byte {
	return append(rawjson.AppendText(append(text, `"client":`...), client), ',')
}

// trimComma takes away the comma behind the last member.
func trimComma(text []byte) []byte {
	if n := len(text); n > 0 && text[n-1] == ',' {
		return text[:n-1]
	}
	return text
}
