// Package durable keeps durable topics: what was answered survives kill -9, and a loss of power as far as the disk keeps
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
//  5. A full disk refuses publishes, and takes them again when there is room, without a restart (space.go). A store that is
//     opened on one waits for room, and says so meanwhile (opening.go).
//  6. Everything that grows is bounded: queues, entries, the log, heads in memory, events by their topic's rule (and up
//     to as many again before they are removed), ids by time, topics by Config.Forget.
//  7. Time is the store's own (clock.go): nothing is removed, repeated or refused because a wall clock was set. An event
//     is not removed for its age before it has that age, and an id is recognised for its whole window.
//  8. A position is never honoured over a gap: a store that was copied, restored, or is said to have been put back
//     (origin.go), and a topic that was served from elsewhere meanwhile (coverage.go), begin new epochs. A restart, kill -9
//     and a loss of power leave every epoch as it is.
//
// # What it asks of you
//
// Serve is told which topics are durable before any is opened. A topic is opened by one owner at a time. done callbacks
// run on the goroutine of the topic's slot and must not block. Everybody has stopped using the store when Close is called.
// The times that a topic is told have their monotonic reading, as those of Config.Clock.
//
// # Decisions
//
// The state machine gives the offsets and recognises ids, and not the topic's home: an entry whose fate was unknown to
// the leader that wrote it then makes neither a hole nor a second event. All that depends on a clock or on chance is said
// by the entry, so that every node makes the same of it.
//
// The store's clock advances by what is known to have passed, and does not follow the wall clock. A server that was ended
// for two days on a machine that went on counts them, since the machine's uptime confirms what the wall clock says. After
// a restart of the machine, or on another one, nothing does: two days off and a clock that is two days wrong look the
// same. Then the events are kept for as much longer. That costs some disk, which count and bytes bound; to believe a wrong
// clock would cost events that were acknowledged. To catch up later, a little at a time or after a day without a step,
// would only make the same mistake later. A server that starts often loses nothing of its time: what the clock said is
// written down every few seconds, and at the end.
//
// The epoch is derived from a seed of the slot and a salt of the topic, and not stored per topic: a topic that was never
// published to has one without a write, and a new seed is a new epoch for a hundred thousand topics at once.
package durable
