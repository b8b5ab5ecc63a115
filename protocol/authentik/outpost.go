package authentik

import (
	"bytes"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// outposts is the topic above those of all outposts.
const outposts = "outposts/"

// Outpost is the protocol of outposts.
type Outpost struct{ path string }

// NewOutpost returns the dialect. A path that Config.Check refuses becomes the default.
func NewOutpost(config Config) *Outpost { return &Outpost{config.prefix() + "ws/outpost/"} }

var _ protocol.Dialect = (*Outpost)(nil)

// Name implements protocol.Dialect.
func (*Outpost) Name() string { return "authentik_outpost" }

// Paths implements protocol.Dialect.
func (o *Outpost) Paths() []string { return []string{o.path + "{uuid}/", o.path + "{uuid}"} }

// Limits implements protocol.Dialect.
func (*Outpost) Limits() protocol.Limits {
	return protocol.Limits{Frame: frame, Rate: rate, Burst: rate, Unread: unread}
}

// Open implements protocol.Dialect. The token must be bound to the outpost that the path names.
func (*Outpost) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	uuid := hello.PathValue("uuid")
	if !isUUID(uuid) {
		return protocol.Opened{}, protocol.Refuse(protocol.Forbidden,
			"an outpost is named by its uuid, in lower case with dashes")
	}
	token := bearer(hello.Last("Authorization"))
	if token == "" {
		return protocol.Opened{}, protocol.Refuse(protocol.Forbidden,
			"an outpost shows Authorization: Bearer and its token")
	}
	s := &instance{topic: outposts + uuid}
	if id := hello.Query.Get("instance_uuid"); protocol.CheckName("instance_uuid", id) == nil {
		s.member = strings.Clone(id)
	}
	credential := &protocol.Credential{Form: protocol.Outpost, Token: token, For: strings.Clone(uuid)}
	return protocol.Opened{Session: s, Credential: credential}, nil
}

// unread is how long an outpost may be silent. While it does what a trigger asks (it sleeps for up to 9 s and then
// fetches) it reads nothing and answers no ping; it says HELLO every 10 s meanwhile, of which one may be late and one
// be lost.
const unread = 30 * time.Second

// isUUID reports whether text is a uuid as authentik's routes know them: 8-4-4-4-12 digits, hexadecimal, lower case.
func isUUID(text string) bool {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(text) != len(form) {
		return false
	}
	for i, c := range []byte(text) {
		if dash := form[i] == '-'; dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// numbers are the instructions that go by the type of a trigger's args; any other trigger is TRIGGER_UPDATE.
var numbers = map[string]byte{"event.provider.specific": '3', "event.session.end": '4'}

// triggerUpdate is the instruction to reload the configuration.
const triggerUpdate = '2'

// Encode implements protocol.Dialect. Outposts hear only events of the topic of an outpost.
func (*Outpost) Encode(d protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: encodeTrigger(d.Event)}
}

func encodeTrigger(ev *protocol.Event) []byte {
	if !strings.HasPrefix(ev.Topic, outposts) {
		return nil
	}
	args := ev.Member("args")
	isObject := len(args) > 0 && args[0] == '{'
	switch ev.Kind {
	case protocol.JSON:
		if isObject && isInteger(ev.Member("instruction")) {
			return ev.Data
		}
	case protocol.TriggerUpdate:
		number := byte(triggerUpdate)
		if !isObject {
			args = []byte("{}")
		} else if other, ok := numbers[typeOf(args)]; ok {
			number = other
		}
		text := append(make([]byte, 0, len(args)+32), `{"instruction":`...)
		text = append(append(text, number), `,"args":`...)
		return append(append(text, args...), '}')
	}
	return nil
}

func typeOf(args []byte) string {
	text, _ := rawjson.Text(rawjson.Lookup(args, "type"))
	return text
}

// isInteger reports whether raw is a whole number that an outpost's int can hold.
func isInteger(raw []byte) bool {
	digits := bytes.TrimPrefix(raw, []byte("-"))
	return len(digits) > 0 && len(digits) < 10 && len(bytes.Trim(digits, "0123456789")) == 0
}
