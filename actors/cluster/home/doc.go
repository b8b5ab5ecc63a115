// Package home orders the events of the topics of one slot, on the node that leads the slot's Raft group.
//
// A [Home] lives for one term of that leadership. It gives each event its offset, sends one frame to each node with
// subscribers, and answers the publisher's node when all of these have delivered it. It is for topics in memory, which
// begin a new epoch with each home.
//
// # In sync
//
// The difficult part is a home that dies, or that some nodes cannot reach. A subscriber gets each acknowledged event
// once, or is told that some are lost. So a home must know without doubt which nodes had everything that the home
// before it acknowledged. As Kafka does with its in-sync replicas, the slot's log keeps the set of these nodes:
//
//   - A home answers a publish only when each node in the set has confirmed it, if that node has subscribers.
//   - It goes on without a node only when the log says that the node is out ([Host.Propose]). So a home that has
//     lost its majority cannot, and its publishers get no answer before the slot has another home.
//   - A node comes in when it has attached all of its topics and confirmed all that it missed.
//   - A new home opens when each node in the set has attached its topics. It sends them its epoch from the beginning.
//     A node that is not in the set is told that it has lost events.
//
// The other way was tried on paper: a node that was silent for a time takes itself for out. It tells subscribers of
// losses that did not happen, whenever a home dies and the election takes longer than that time.
//
// A topic without subscribers elsewhere asks nobody. So a home also needs a lease ([Home.Extend]): a majority has
// confirmed its leadership since, and will elect nobody else before the lease ends. Without one it does not answer. A
// follower that was told for certain that the home's process has ended may elect at once; if all followers are told
// so of a process that lives, a topic without subscribers elsewhere may have two homes until the lease ends.
//
// # Bounds
//
// A home keeps up to 256 events and 256 KiB of each topic for nodes that missed a frame, and 16 MiB in all; behind
// that, the node is told of a loss. Clients resume from a history, not from this. Beyond that it keeps the events whose
// publishers wait: at most entry.MaxWaiting and entry.MaxBytes of each node, so that a node in sync never loses one. At
// most 256 events of a topic are on their way to a node without a confirmation.
//
// It is a state machine without goroutines and clock; actors/cluster/sim drives it, and nothing else until a node does.
package home
