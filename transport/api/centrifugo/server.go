package centrifugo

import (
	"bytes"
	"context"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/centrifuge"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Node is what the calls need of the engine; *actors.Node has it.
type Node interface {
	Publish(ctx context.Context, tenant string, to actors.Target, ev *protocol.Event) (actors.Receipt, error)
	History(ctx context.Context, tenant, topic string, after protocol.Position, limit int) (actors.HistoryPage, error)
	Present(ctx context.Context, tenant, topic string) ([]protocol.Member, error)
	Topics(ctx context.Context, tenant string, q actors.TopicQuery) (page []actors.TopicInfo, next string, err error)
	User(ctx context.Context, tenant, user string) (actors.UserInfo, error)
	Disconnect(tenant, id string, code uint16, reason string) error
	DisconnectUser(ctx context.Context, tenant, user string, code uint16, reason string) (int, error)
	Stats(tenant string) stats.Tenant
}

// Server makes calls.
type Server struct {
	Node Node
	// MaxEvent bounds the data of a publication, in bytes.
	MaxEvent int
}

// MaxCommands bounds the commands of one request, and the channels of a broadcast.
const MaxCommands = 1000

// methods are the calls that can be made.
var methods map[string]func(*call) error

func init() { // some of them make others
	methods = map[string]func(*call) error{
		"publish": (*call).publish, "broadcast": (*call).broadcast, "presence": (*call).presence,
		"presence_stats": (*call).presenceStats, "history": (*call).history, "channels": (*call).channels,
		"info": (*call).info, "disconnect": (*call).disconnect, "batch": (*call).batch,
	}
}

// Has reports whether there is such a call.
func Has(method string) bool { return methods[method] != nil }

// Call makes a call and appends its reply, {"result":...} or {"error":...}. params must have passed rawjson.Check.
func (s *Server) Call(ctx context.Context, tenant, method string, params, dst []byte) []byte {
	return s.reply(ctx, tenant, method, "result", params, dst)
}

// reply makes a call and appends its reply, in which word names the result.
func (s *Server) reply(ctx context.Context, tenant, method, word string, params, dst []byte) []byte {
	start := len(dst)
	c := &call{s, ctx, tenant, nil, append(append(append(dst, `{"`...), word...), `":{`...)}
	err := error(protocol.Refuse(protocol.UnknownType, "no such method"))
	if do := methods[method]; do != nil {
		c.params = rawjson.Split(nil, params, nil)
		err = do(c)
	}
	if err != nil {
		return append(centrifuge.AppendError(append(c.dst[:start], `{"error":{`...), protocol.AsRefusal(err)), "}}"...)
	}
	return append(c.dst, "}}"...)
}

// Lines makes the calls of a body of the old form, {"method","params"} a line, and appends a line for each. The error
// is a protocol.Refusal; then nothing is done.
func (s *Server) Lines(ctx context.Context, tenant string, body, dst []byte) ([]byte, error) {
	lines := bytes.FieldsFunc(body, func(r rune) bool { return r == '\n' })
	if len(lines) == 0 || len(lines) > MaxCommands {
		return dst, protocol.Refuse(protocol.Malformed, "the body has %d commands; it may have 1 to %d", len(lines),
			MaxCommands)
	}
	for _, line := range lines {
		if err := rawjson.Check(line); err != nil {
			return dst, protocol.Refuse(protocol.Malformed, "a line is no JSON object")
		}
	}
	for i, line := range lines {
		if i > 0 {
			dst = append(dst, '\n')
		}
		method, _ := rawjson.Text(rawjson.Lookup(line, "method"))
		dst = s.Call(ctx, tenant, method, rawjson.Lookup(line, "params"), dst)
	}
	return dst, nil
}
