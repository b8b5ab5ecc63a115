package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// notYet is a store that is not open yet.
type notYet struct{ err *protocol.Refusal }

func (n notYet) Refusal() *protocol.Refusal { return n.err }

// F10: while its store is not open, a durable topic is refused in every way, and never served from memory; what is in
// memory goes on. When the store comes, the topic goes on where the disk has it.
func TestAwait_DurableTopicsAreRefusedUntilTheirStoreIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := durable.Open("data", durable.Config{Partitions: 2, Files: vfs.NewMem(), Reserve: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		n := New(Config{}, nil, TenantConfig{Name: "acme", Rules: policy.Rules{Durable: []string{"orders"}}})
		defer n.Close()
		n.AwaitStore(notYet{&protocol.Refusal{Reason: protocol.StorageFull, RetryAfter: time.Second}})
		refused := func(what string, err error) {
			t.Helper()
			if refusal := protocol.AsRefusal(err); refusal == nil || refusal.Reason != protocol.StorageFull ||
				refusal.RetryAfter != time.Second {
				t.Errorf("%s: %v", what, err)
			}
		}
		c := enter(t, n, words, someone("ann"))
		for _, topic := range []string{"orders/1", "orders"} {
			_, err := publishTo(n, topic, jsonEvent(t, "a", 1))
			refused("publish to "+topic, err)
			refused("subscribe to "+topic, c.do(protocol.Subscribe{Topic: topic})[0].Err)
			refused("resume "+topic, c.resume(topic, protocol.Position{Epoch: "E", Offset: 3}).Err)
			_, err = n.History(context.Background(), "acme", topic, protocol.Position{}, 10)
			refused("history of "+topic, err)
		}
		_, err = n.History(context.Background(), "acme", "orders/none", protocol.Position{Epoch: "E", Offset: 3}, 10)
		refused("history of a topic that nobody uses", err)
		if _, _, err := n.Topics(context.Background(), "acme", TopicQuery{Limit: 10}); err != nil {
			t.Error("the topics cannot be listed: ", err)
		}
		c.subscribe(t, "room")
		publishNumbers(t, n, "room", 1, 1)
		if now := n.Metrics().Storage; !now.Open || !now.Full || n.Health().Storage != now || len(probed(t, n)) != 0 {
			t.Errorf("%+v", now)
		}

		if err := n.UseStore(store); err != nil {
			t.Fatal(err)
		}
		c.subscribe(t, "orders/1")
		if r := mustPublish(t, n, "orders/1", jsonEvent(t, "a", 1)); r.Duplicate || r.Position.Offset != 1 ||
			r.Delivered != 1 {
			t.Errorf("%+v", r)
		}
		if !store.HasTopic("acme", "orders/1") || !store.HasTopic("acme", "orders") {
			t.Error("the event is not in the store")
		}
		if now := n.Metrics().Storage; !now.Open || now.Full || now.Refusal != nil {
			t.Errorf("%+v", now)
		}
	})
}

// F10: an event of a topic in memory that a durable topic above has to keep, too, is refused as well.
func TestAwait_WhatADurableTopicAboveHasToKeepIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Config{}, nil, TenantConfig{Name: "acme", Rules: policy.Rules{
			List: []policy.Rule{{Pattern: "orders/*", Store: policy.InMemory}}, Durable: []string{"orders"}}})
		defer n.Close()
		n.AwaitStore(notYet{&protocol.Refusal{Reason: protocol.Busy}})
		if _, err := publishTo(n, "orders/1", jsonEvent(t, "a", 1)); reasonOf(err) != protocol.Busy {
			t.Error(err)
		}
	})
}
