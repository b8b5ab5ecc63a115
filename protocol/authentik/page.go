package authentik

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-realtime/parley/protocol"
)

// sessionCookie is what the session's cookie is called.
const sessionCookie = "authentik_session"

// Bounds of a connection, of either dialect. Pages say nothing and outposts little, so there is room for what they
// might say and little for floods.
const (
	frame = 64 << 10 // bytes
	rate  = 100      // messages a second
)

// Page is the protocol of web pages.
type Page struct{ path string }

// NewPage returns the dialect. A path that Config.Check refuses becomes the default.
func NewPage(config Config) *Page { return &Page{config.prefix() + "ws/client/"} }

var _ protocol.Dialect = (*Page)(nil)

// Name implements protocol.Dialect.
func (*Page) Name() string { return "authentik" }

// Paths implements protocol.Dialect.
func (c *Page) Paths() []string { return []string{c.path} }

// Limits implements protocol.Dialect.
func (*Page) Limits() protocol.Limits {
	return protocol.Limits{Frame: frame, Rate: rate, Burst: rate, Inbox: true}
}

// Open implements protocol.Dialect. The credential is the session's cookie.
func (*Page) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	value := cookie(hello.Header("Cookie"), sessionCookie)
	if value == "" {
		return protocol.Opened{}, protocol.Refuse(protocol.Forbidden, "there is no cookie %s", sessionCookie)
	}
	credential := &protocol.Credential{Form: protocol.Cookie, Token: value}
	return protocol.Opened{Session: page{}, Credential: credential}, nil
}

// Encode implements protocol.Dialect.
func (*Page) Encode(d protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: encodePage(d.Event)}
}

func encodePage(ev *protocol.Event) []byte {
	switch ev.Kind {
	case protocol.JSON:
		if ev.Text("message_type") != "" {
			return ev.Data
		}
	case protocol.Message:
		text := append(make([]byte, 0, len(ev.Data)+64), `{"message_type":"message","level":`...)
		text = append(text, ev.Member("level")...)
		text = append(text, `,"tags":`...)
		if tags := ev.Member("tags"); len(tags) > 0 && tags[0] == '"' {
			text = append(text, tags...)
		} else {
			text = append(text, `""`...)
		}
		text = append(append(text, `,"message":`...), ev.Member("message")...)
		return append(text, '}')
	}
	return nil
}

// page is one connection of a page. It has no state.
type page struct{}

// OnOpen implements protocol.Session.
func (page) OnOpen(time.Time, uint64) []protocol.Command { return nil }

// Receive implements protocol.Session.
func (page) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	if in.Binary || !jsontext.Value(in.Data).IsValid(jsontext.AllowDuplicateNames(true)) {
		return 1, thrown
	}
	return 1, nil
}

// Answer implements protocol.Session.
func (page) Answer(protocol.Command, protocol.Outcome) []protocol.Command { return nil }

// OnTick implements protocol.Session. There is none.
func (page) OnTick(time.Time) []protocol.Command { return nil }

// OnReject implements protocol.Session.
func (page) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	return refuse(refusal, final)
}

// thrown is what becomes of a connection whose frame the original cannot read.
var thrown = []protocol.Command{protocol.Close{Code: 1000}}

// refuse has no words but the close frame, in either dialect.
func refuse(refusal *protocol.Refusal, final bool) []protocol.Command {
	if !final {
		return nil
	}
	return protocol.End(refusal, nil)
}
