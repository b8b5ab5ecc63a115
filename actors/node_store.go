package actors

import (
	"context"
	"fmt"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/protocol"
)

// This file holds how a node gets the store of its durable topics. Opening a store takes time (on a full disk, until
// there is room), and the node serves meanwhile: topics in memory as always, and durable topics not at all. A durable
// topic that was served from memory for a while would give its events offsets that other events have on the disk.

// AwaitStore has the node wait for the store of its durable topics: until UseStore brings the store, the node refuses
// publishes to them, subscriptions and reads as opening says. nil waits for none: durable topics are then in memory.
// Call it before there are durable topics.
func (n *Node) AwaitStore(opening Opening) {
	n.durability.Await(opening != nil)
	if opening == nil {
		n.awaited.Store(nil)
		return
	}
	n.awaited.Store(&opening)
}

// UseStore gives the node the store of its durable topics. The store begins a new epoch for each topic that the
// tenants' rules did not keep in it all the time. A durable topic that was made before AwaitStore and UseStore stays in
// memory for as long as it lives. UseStore reads and writes the disk. With an error, the node does not use the store.
// Whoever opened the store closes it, after Close.
func (n *Node) UseStore(store *durable.Store) error {
	if err := n.durability.Begin(store); err != nil {
		return err
	}
	n.store.Store(store)
	for i := range store.Partitions() {
		n.AddProbe(fmt.Sprint("slot ", i), func(ctx context.Context) error { return store.Probe(ctx, i) })
	}
	return nil
}

// Checkpoint calls use with a directory that holds the durable topics as they are at one moment; with "" if no topic is
// durable. It blocks until use returns, whose error it passes on. See durable.Store.Checkpoint for other errors; while
// the store is not open yet, the error is a protocol.Refusal that says so.
func (n *Node) Checkpoint(use func(dir string) error) error {
	store, err := n.durableStore()
	switch {
	case err != nil:
		return err
	case store == nil:
		return use("")
	}
	return store.Checkpoint(use)
}

func (n *Node) storage() Storage {
	store, err := n.durableStore()
	if store != nil {
		err = store.DiskFull()
	}
	full := err != nil && err.Reason == protocol.StorageFull
	return Storage{Open: store != nil || err != nil, Full: full, Refusal: err}
}
