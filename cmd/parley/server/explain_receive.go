package server

import (
	"slices"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// receive asks whether an event might be published, and whether the connection, or one of the user's, would get it.
// Without a topic the event is for the user.
func (q *question) receive() *protocol.Refusal {
	connections, err := q.receivers()
	if err != nil {
		return protocol.AsRefusal(err)
	}
	if q.Target.Topic == "" {
		q.Target.Users = []string{q.User}
	}
	if err := q.node.AskPublish(q.tenant, q.Target, q.Event, q.asked); err != nil {
		return err
	}
	var first *protocol.Refusal
	published := q.asked.Len()
	for _, c := range connections {
		asked := &decision.Record{}
		err := q.node.AskReceive(q.ctx, q.tenant, c.ID, q.Target, q.Event, asked)
		if first != nil && err != nil { // the first explains it
			continue
		}
		q.asked.Truncate(published)
		q.asked.Append(asked)
		if q.section, first = c.Dialect, err; err == nil {
			return nil
		}
	}
	return first
}

// receivers are the connections that are asked about: that of the question, or those of its user in its dialect. One
// without an id stands for none.
func (q *question) receivers() ([]actors.ConnectionInfo, error) {
	if q.Connection != "" {
		known, err := q.node.Connection(q.ctx, q.tenant, q.Connection)
		if err != nil {
			known.ID = q.Connection
		}
		q.User = known.User
		return []actors.ConnectionInfo{known}, nil
	}
	user, _ := q.node.User(q.ctx, q.tenant, q.User) // one who is not known has no connections
	all := slices.DeleteFunc(user.Connections, func(c actors.ConnectionInfo) bool {
		return q.Dialect != "" && c.Dialect != q.Dialect
	})
	if len(all) == 0 {
		all = []actors.ConnectionInfo{{}}
	}
	return all, nil
}
