package sse

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Path is where events are served.
const Path = "/api/v1/events"

// cookie is what the cookie of a session is called, as at the paths of WebSockets.
const cookie = "authentik_session"

// Dialect has the words of event streams. Its settings can be replaced while it is spoken.
type Dialect struct{ config atomic.Pointer[Config] }

// NewDialect makes the dialect.
func NewDialect(config Config) *Dialect {
	d := &Dialect{}
	d.Configure(config)
	return d
}

// Configure replaces the settings: those of new streams, and all bounds.
func (d *Dialect) Configure(config Config) { d.config.Store(&config) }

var _ protocol.Dialect = (*Dialect)(nil)

// Name implements protocol.Dialect.
func (*Dialect) Name() string { return "sse" }

// Paths implements protocol.Dialect.
func (*Dialect) Paths() []string { return []string{Path} }

// year is longer than any client is silent: none of them says anything (see websocket.Server.Stream).
const year = 365 * 24 * time.Hour

// Limits implements protocol.Dialect.
func (d *Dialect) Limits() protocol.Limits {
	c := d.config.Load()
	return protocol.Limits{Frame: 1, PerUser: c.PerUser, Subscriptions: c.Topics, Unread: year}
}

// Open implements protocol.Dialect. The credential is a Bearer token, a ticket in the query, or a session's cookie; a
// token in the query would stand in logs.
func (d *Dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	c := d.config.Load()
	if !c.Enabled {
		return protocol.Opened{}, protocol.Refuse(protocol.NotFound, "event streams are switched off (events.enabled)")
	}
	topics, err := topicsOf(hello.Query["topic"], c.Topics)
	if err != nil {
		return protocol.Opened{}, err
	}
	credential := credentialOf(hello)
	if credential == nil {
		return protocol.Opened{}, protocol.Refuse(protocol.Unauthorized,
			"show Authorization: Bearer TOKEN, ?ticket= (POST /api/v1/ws/ticket) or the cookie %s", cookie)
	}
	s := &session{topics: topics, retry: c.Retry, origin: strings.Clone(hello.Header("Origin"))}
	last := hello.Header("Last-Event-ID")
	if last == "" {
		last = hello.Query.Get("last_event_id")
	}
	s.since, s.lost = positionsOf(last, len(topics))
	return protocol.Opened{Session: s, Credential: credential}, nil
}

// topicsOf are the topics of a query, without those that lie below another: it delivers their events, too.
func topicsOf(asked []string, most int) (topics []string, err *protocol.Refusal) {
	for _, topic := range asked {
		if err := protocol.CheckTopic(topic); err != nil {
			return nil, protocol.AsRefusal(err)
		}
	}
	for _, topic := range asked {
		above := func(other string) bool { return strings.HasPrefix(topic, other+"/") }
		if !slices.Contains(topics, topic) && !slices.ContainsFunc(asked, above) {
			topics = append(topics, strings.Clone(topic))
		}
	}
	switch {
	case len(topics) == 0:
		return nil, protocol.Refuse(protocol.Malformed, "name a topic: %s?topic=NAME, once for each topic", Path)
	case len(topics) > most:
		return nil, protocol.Refuse(protocol.Malformed,
			"a stream may have %d topics (events.topics); open another for the rest", most)
	}
	return topics, nil
}

func credentialOf(hello protocol.Handshake) *protocol.Credential {
	claims := protocol.Claims{Refuse: []string{"refresh"}}
	scheme, token, _ := strings.Cut(hello.Header("Authorization"), " ")
	if token = strings.Trim(token, " "); token != "" && strings.EqualFold(scheme, "Bearer") {
		return &protocol.Credential{Form: protocol.Token, Token: strings.Clone(token), Claims: claims}
	}
	if ticket := hello.LastQuery("ticket"); ticket != "" {
		return &protocol.Credential{Form: protocol.Ticket, Token: strings.Clone(ticket), Claims: claims}
	}
	for pair := range strings.SplitSeq(hello.Header("Cookie"), ";") {
		if name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "="); ok && name == cookie && value != "" {
			return &protocol.Credential{Form: protocol.Cookie, Token: strings.Clone(strings.Trim(value, `"`))}
		}
	}
	return nil
}

// several is the label of the subscriptions of a stream that has more topics than one.
const several = "several"

// Encode implements protocol.Dialect. Events to users and to all have no position, and so no id.
func (*Dialect) Encode(d protocol.Delivery) protocol.Encoded {
	text := make([]byte, 0, len(d.Event.Data)+len(d.Topic)+96)
	switch {
	case d.Topic == "":
	case d.Label == several:
		text = appendMark(text, d.Topic, d.Position)
	default:
		text = append(appendPosition(append(text, "id: "...), d.Position), '\n')
	}
	text = append(append(append(text, "event: "...), d.Event.Kind...), '\n')
	return protocol.Encoded{Data: appendData(text, d.Event.Data)}
}

// appendData appends the lines of an event's data, and the empty line that ends the event. JSON may have line breaks
// between its words, and each of its lines becomes one of the event.
func appendData(text, data []byte) []byte {
	for line := range bytes.FieldsFuncSeq(data, func(r rune) bool { return r == '\n' || r == '\r' }) {
		text = append(append(append(text, "data: "...), line...), '\n')
	}
	return append(text, '\n')
}
