package authentik

import (
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// The instructions that an instance says.
const (
	ack   = "0"
	hello = "1"
)

// alive is how long an instance is heard of after a frame: one and a half of the 10 s between two HELLOs.
const alive = 15 * time.Second

var acknowledged = protocol.Send{Text: []byte(`{"instruction":0,"args":{}}`)}

// instance is one connection of an outpost's process.
type instance struct {
	topic  string
	member string // its name among the instances, "" while it is unknown
	args   []byte // of the last HELLO that had any
	number uint64 // of the connection
}

// OnOpen implements protocol.Session.
func (s *instance) OnOpen(_ time.Time, number uint64) []protocol.Command {
	s.number = number
	return []protocol.Command{protocol.Subscribe{Topic: s.topic}}
}

// Receive implements protocol.Session.
func (s *instance) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	if in.Binary {
		return 1, thrown
	}
	members, err := rawjson.ReadObject(in.Data)
	instruction, args := rawjson.Find(members, "instruction"), rawjson.Find(members, "args")
	if string(args) == "null" || args == nil {
		args = []byte("{}")
	}
	if err != nil || !isInteger(instruction) || args[0] != '{' {
		return 1, thrown
	}
	if string(instruction) == ack {
		return 1, nil
	}
	if string(instruction) == hello {
		s.hear(args)
	}
	return 1, []protocol.Command{s.announce(), acknowledged}
}

// hear keeps what a HELLO tells, if it tells anything.
func (s *instance) hear(args []byte) {
	members, err := rawjson.ReadObject(args)
	if err != nil || len(members) == 0 {
		return
	}
	s.args = append([]byte(nil), args...)
	if s.member != "" {
		return
	}
	if uuid, _ := rawjson.Text(rawjson.Find(members, "uuid")); protocol.CheckName("uuid", uuid) == nil {
		s.member = uuid
	}
}

func (s *instance) announce() protocol.Announce {
	command := protocol.Announce{Topic: s.topic, Member: s.member, Data: s.args, For: alive}
	if command.Member == "" {
		command.Member = "ws-" + strconv.FormatUint(s.number, 10)
	}
	if command.Data == nil {
		command.Data = []byte("{}")
	}
	return command
}

// Answer implements protocol.Session. An outpost that would not hear its triggers is better closed: it comes back.
func (s *instance) Answer(command protocol.Command, outcome protocol.Outcome) []protocol.Command {
	if _, ok := command.(protocol.Subscribe); ok && outcome.Err != nil {
		return protocol.End(outcome.Err, nil)
	}
	return nil
}

// OnTick implements protocol.Session. There is none.
func (*instance) OnTick(time.Time) []protocol.Command { return nil }

// OnReject implements protocol.Session.
func (*instance) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	return refuse(refusal, final)
}
