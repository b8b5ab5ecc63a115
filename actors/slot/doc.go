// Package slot keeps durable topics: what was answered survives kill -9, and a loss of power as far as the disk keeps
// what it was asked to sync.
//
// A [Store] is a directory. Its topics are divided into slots (place.go); each slot is a Raft group (slot.go), and all
// groups share one Pebble: the groups' logs (log.go), their state machines' data (machine.go), and marks instead of
// snapshots (marker.go), since the data are in the store anyway. Alone, a node's groups have one voter each and a
// transport that reaches nobody; more nodes are more voters and another transport, and nothing else here.
//
// # What it promises
//
//  1. A publish is answered when its entry is on disk (fsync). Publishes that wait for the same slot share an entry, and
//     slots that write at the same time share an fsync. A relaxed topic is answered before; Config.SyncEvery is what a
//     crash of the machine may then lose. A write or fsync that fails ends the process, and nothing is answered after it.
//  2. Offsets of a topic are consecutive from 1, in the order of the Adds. An id that is seen again within the topic's
//     window gets the first one's answer, across restarts too.
//  3. What is read is what was written: each event has a sum of its own over its place, its content and the sum of the
//     event before it (record.go). Damage is told by name, topic and offset, and never served; what is older and what is
//     newer can be read.
//  4. What was answered and is not there any more is noticed and said, even where the store itself cannot tell
//     (witness.go, salvage.go, mendlog.go, mend.go), and the topics concerned begin a new epoch, so that no reader is led
//     past a hole.
//  5. A full disk refuses publishes, and takes them again when there is room, without a restart (space.go).
//  6. Everything that grows is bounded: queues, entries, the log, heads in memory, events by their topic's rule (and up
//     to as many again before they are removed), ids by time, topics by Config.Forget.
//
// # What it asks of you
//
// A topic is opened by one owner at a time. done callbacks run on the goroutine of the topic's slot and must not block.
// Everybody has stopped using the store when Close is called.
//
// # Decisions
//
// The state machine gives the offsets and recognises ids, and not the topic's home: an entry whose fate was unknown to
// the leader that wrote it then makes neither a hole nor a second event. All that depends on a clock or on chance is said
// by the entry, so that every node makes the same of it.
//
// The epoch is derived from a seed of the slot and a salt of the topic, and not stored per topic: a topic that was never
// published to has one without a write, and a new seed is a new epoch for a hundred thousand topics at once.
package slot
