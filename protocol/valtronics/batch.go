package valtronics

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// batch does the messages of a batch in their order, each with an answer of its own; a bad one does not sink the rest.
func (s *session) batch(now time.Time, members []rawjson.Member) (int, []protocol.Command) {
	items, ok := rawjson.ReadArray(rawjson.Find(members, "messages"))
	most := s.dialect.config.BatchItems
	switch {
	case !ok:
		refusal := protocol.Refuse(protocol.Malformed,
			`messages of a batch must be an array: {"type":"batch","messages":[...]}`)
		return 1, []protocol.Command{complain(refusal, "", alone)}
	case len(items) > most:
		refusal := protocol.Refuse(protocol.TooMany,
			"the batch has %d messages; the limit is %d, and nothing of it was done", len(items), most)
		return most, []protocol.Command{complain(refusal, "", alone)}
	}
	var commands []protocol.Command
	for i, raw := range items {
		inner, err := rawjson.ReadObject(raw)
		commands = s.message(commands, message{now: now, raw: raw, members: inner, err: err, index: i})
	}
	return max(1, len(items)), commands
}

// tag is what a subscription carries of its place in a batch.
func tag(index int) any {
	if index == alone {
		return nil
	}
	return index
}

func indexOf(tag any) int {
	if index, ok := tag.(int); ok {
		return index
	}
	return alone
}
