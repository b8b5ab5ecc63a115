package canary

import (
	"context"
	"fmt"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/protocol"
)

// Host is what canaries need of their node.
type Host struct {
	// Topics and Users are names, one in each shard of the node's registries, as many of the one as of the other.
	Topics, Users []string
	// Connect connects a canary. A new node has room for it.
	Connect func(*Canary) *protocol.Refusal
	// ToTopic and ToUser hand an event to a topic and to a user.
	ToTopic, ToUser func(name string, p *fanout.Delivery)
	// AddProbe has the node try one more way.
	AddProbe func(name string, try func(context.Context) error)
}

// All connects one canary for each shard of the topics, with a user in the same shard of the users, and adds their
// probes.
func All(h Host) []*Canary {
	all := make([]*Canary, len(h.Topics))
	for shard := range all {
		c := New(h.Topics[shard], h.Users[shard])
		if err := h.Connect(c); err != nil {
			panic(err)
		}
		h.AddProbe(fmt.Sprint("topics shard ", shard), func(ctx context.Context) error {
			return c.ProbeTopic(ctx, func(p *fanout.Delivery) { h.ToTopic(c.Topic, p) })
		})
		h.AddProbe(fmt.Sprint("users shard ", shard), func(ctx context.Context) error {
			return c.ProbeUser(ctx, func(p *fanout.Delivery) { h.ToUser(c.User, p) })
		})
		all[shard] = c
	}
	return all
}
