// Package durable keeps durable topics: an answered publish survives kill -9, and it survives a loss of power as far as
// the disk keeps what it was asked to sync.
//
// A [Store] is a directory. It divides its topics among partitions (format_key.go). Each partition is a Raft group
// (partition.go), and all groups share one Pebble: it holds the groups' logs (raft_log.go), the data of their state
// machines (state_machine.go), and a marker in place of each snapshot (raft_snapshots.go), since the data are in the
// store anyway. On a single node each group has one voter and a transport that reaches nobody; more nodes mean more
// voters and another transport, and change nothing else here.
//
// A publish goes from [Topic.Add] (topic.go) to the queue of the topic's partition (queue.go). The committer of the
// partition (committer.go) has the group agree on what waits there, the state machine applies it, and the committer
// calls done. Every node cuts its own log by what it has applied (compactor.go). Reads do not pass through Raft: they
// find on the disk what the state machine has stored (state_reader.go, topic_events.go). The partitions share a
// directory, a clock and more (storage.go).
//
// Operators know a partition as a slot: the setting is store.slots, and log lines, refusals and probes say slot.
//
// # What it promises
//
//  1. A publish is answered when its entry is on disk (fsync). Publishes that wait for the same partition share an
//     entry, and partitions that write at the same time share an fsync. A publish to a relaxed topic is answered before
//     that; Config.SyncEvery is what a crash of the machine may then lose. A write or fsync that fails ends the
//     process, and nothing is answered after it.
//  2. Offsets of a topic are consecutive from 1, in the order of the Adds. An event whose id the topic has seen within
//     its window gets the answer of the first one, across restarts too.
//  3. A reader gets what was written: each event has a checksum of its own over its key, its content and the checksum
//     of the event before it (format_record.go). A damaged event is reported by tenant, topic and offset, and is never
//     served; readers still get the older and the newer ones.
//  4. The store notices and reports the loss of answered events, even where Pebble alone cannot tell (commit_marker.go,
//     recover_*.go). The topics concerned begin a new epoch, so that no reader is led past a gap.
//  5. While the disk is full the store refuses publishes, and it takes them again once there is room, without a restart
//     (disk_guard.go). A store that is opened on a full disk waits for room, and says so meanwhile (store_opening.go).
//  6. Everything that grows is bounded: queues, entries, the log, heads in memory, events by their topic's rule (and up
//     to as many again before they are removed), ids by time, topics by Config.Forget.
//  7. The store has its own time (clock.go): nothing is removed, repeated or refused because somebody set a wall clock.
//     No event is removed for its age before it has that age, and an id is recognised for its whole window.
//  8. A position is never honoured over a gap. Topics begin new epochs in a store that was copied, was restored, or is
//     said to have been put back (origin.go), and so does a topic that was served from elsewhere meanwhile
//     (rules_file.go). A restart, kill -9 and a loss of power leave every epoch as it is.
//
// # What it asks of you
//
// Call SetRules, which says which topics are durable, before you open any. Open a topic from one owner at a time. done
// callbacks run on the goroutine of the topic's partition and must not block. Stop using the store before you call
// Close. Times that you give to a topic carry a monotonic reading, as those of Config.Clock do.
//
// # What it does not know
//
// Connections, users, patterns of topics and their settings. It knows a topic by tenant and name, and asks the caller's
// TopicMatcher which topics some rules cover.
//
// # Decisions
//
// The state machine, and not the topic's actor, assigns offsets and recognises ids. A leader may not know what became
// of an entry that it wrote; that entry then makes neither a gap nor a second event. Whatever depends on a clock or on
// chance is in the entry, so that every node derives the same state from it.
//
// Damage on a node's disk is that node's matter. While it is alone, nobody else has the data: the store mends damage
// as soon as it meets some, so that a slot with a damaged topic goes on, and it keeps what was answered. In a group
// of several voters the others have the data, and none may come to another state for the damage of one: a state
// machine that cannot apply an entry as the others do ends (state_machine.go), and a topic that is damaged here is
// served by another node (recover_topic.go).
//
// The store's clock advances by the time that is known to have passed, and does not follow the wall clock. If a server
// was stopped for two days while its machine ran on, the store counts them, since the machine's uptime confirms what
// the wall clock says. After a restart of the machine, or on another one, nothing confirms it: a machine that was off
// for two days looks the same as a clock that is two days wrong. The store then keeps the events for that much longer.
// This costs some disk, which the bounds of count and bytes limit; to believe a wrong clock would cost acknowledged
// events. To catch up later, a little at a time or after a day without a step, would only make the same mistake later.
// A server that restarts often loses none of its time: the store writes down its clock every few seconds and when it
// closes.
//
// An epoch is derived from a seed of the partition and a salt of the topic, and is not stored per topic: a topic that
// nobody has published to has one without a write, and a new seed makes new epochs for a hundred thousand topics at
// once.
package durable
