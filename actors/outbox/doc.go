// Package outbox holds what waits for one socket: the encoded frames that topics, users and sessions offer, until the
// socket's writer takes them.
//
// An [Outbox] has one [Transport], which it wakes, and which takes frames, writes them and acknowledges them. Its
// frames wait in a send queue: control frames go ahead (an answer, a heartbeat, a ping), all others follow in the order
// in which they were offered. A [Frame] is encoded once and shared by all outboxes that hold it.
//
// # What it promises
//
//  1. A bound: what waits, and what was taken and is not yet written, stays within [Limits], beside at most 32 control
//     frames; an empty outbox takes any one frame. If there is no room, the frame's [Policy] decides: Offer refuses it,
//     or older frames of its topic make room.
//  2. No silent loss: a frame is written, refused to the one that offered it, or counted as lost.
//  3. No lost wake-up: the transport is woken when frames wait and it has found the outbox empty, and only then.
//  4. Backpressure: what waits for peers that read is counted for their tenant ([Backpressure]), and publishers wait
//     while that is too much.
//  5. Offer, Take and Ack take one lock each, and allocate nothing while the reader keeps up. An empty outbox holds no
//     buffer.
//
// Nothing blocks but Detached.AwaitFlush, for at most 100 ms, and Backpressure.Wait.
//
// # What it asks of you
//
// Init and Attach come before the first Offer. The methods of a Transport do not block, and one goroutine at a time
// calls Take and Ack. Whoever calls Offer, SendControl or Prepend passes what it returns to Charge, or adds it to the
// Backpressure itself, for many outboxes of one tenant at once.
//
// # What it does not know
//
// It knows no topic, connection or dialect, and no socket; of an event it knows its bytes, its policy, and hashes of
// its topic and key. It imports the standard library alone.
package outbox
