package actors

import (
	"context"
	"fmt"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/protocol"
)

// This is how a node comes to the store of its durable topics. A store takes its time to open, on a full disk until there
// is room, and the node serves meanwhile: topics in memory as ever, and of durable ones nothing at all. A durable topic
// that was served from memory for a while would give its events places that others have on the disk.

// Await has the node wait for the store of its durable topics: until Keep brings it, publishes to them, subscriptions and
// reads are refused as opening says. nil waits for none: then durable topics are in memory. It is to be called before
// there are durable topics.
func (n *Node) AwaitStore(opening Opening) {
	n.durability.Await(opening != nil)
	if opening == nil {
		n.awaited.Store(nil)
		return
	}
	n.awaited.Store(&opening)
}

// Keep gives the node the store of its durable topics, which begins a new epoch of each that the tenants' rules did not
// keep there all the time. A topic that should be durable and was made before Await and Keep stays in memory for as long as
// it lives. If the error is not nil the node does not use the store. Whoever opened it closes it, after Close.
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

// Checkpoint has use read a directory with the durable topics as they are at one moment; "" if none are durable. See
// durable.Store.Checkpoint for its errors; while the store is not open yet the error says so.
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
	return Storage{Open: store != nil || err != nil, Full: err != nil && err.Reason == protocol.StorageFull, Refusal: err}
}
