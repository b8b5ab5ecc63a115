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

// Opening is a store that is being opened (durable.Opening).
type Opening interface {
	// Refusal says why nothing can be done with a durable topic yet.
	Refusal() *protocol.Refusal
}

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
	store, why := n.durableStore()
	switch {
	case why != nil:
		return why
	case store == nil:
		return use("")
	}
	return store.Checkpoint(use)
}

// keeper is the store of durable topics, or why they cannot be used yet; neither if they are in memory.
func (n *services) durableStore() (*durable.Store, *protocol.Refusal) {
	if store := n.store.Load(); store != nil {
		return store, nil
	}
	if opening := n.awaited.Load(); opening != nil {
		return nil, (*opening).Refusal()
	}
	return nil, nil
}

// Storage is how the store of durable topics is. The zero value is that of a node without one.
type Storage struct {
	// Open says that there is one, if only for its topics to be refused until it is open.
	Open bool
	// Full says that publishes are refused since the disk has too little room.
	Full bool
	// Refusal is why durable topics take no publishes now; nil if they do.
	Refusal *protocol.Refusal
}

func (n *Node) storage() Storage {
	store, why := n.durableStore()
	if store != nil {
		why = store.DiskFull()
	}
	return Storage{Open: store != nil || why != nil, Full: why != nil && why.Reason == protocol.StorageFull, Refusal: why}
}
