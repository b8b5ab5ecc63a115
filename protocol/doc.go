// Package protocol is the language of Parley: what is published, what a client may ask, how it is refused, and what a
// dialect has to know. It has no sockets, no actors and no tokens in it; everything here is values and pure functions.
//
// The words:
//
//   - An [Event] is what a backend publishes: a [Kind], a JSON object, an id, a time. [NewEvent] is the only way to
//     make one; it validates once, at the door, so that no later stage can meet a malformed event.
//   - A [Filter] is what one subscription wants of a topic, and a [Projection] is what it leaves of an event.
//   - A [Delivery] is an event for those who get the same bytes of it, and [Encoded] are these bytes. The filter of a
//     subscription, and not the dialect, asks for what Encode is told beside event and projection (label, topic,
//     position): so connections that ask for nothing share their bytes with all others of their dialect.
//   - A [Dialect] is one wire protocol. Its Encode is stateless, since all its subscribers share the bytes; the state
//     of a single connection is in its [Session], which turns frames into [Command]s and outcomes into frames.
//   - A [Registration] is what all the rest of Parley knows of one protocol: its [Settings], its dialects, and how a
//     [Client] of each listens.
//   - A [Reason] says why something was refused. The table in reason.go is the only place that turns a reason into an
//     HTTP status, a close code and a sentence.
//
// It promises that nothing in it panics on input, blocks, reads a clock, or keeps a slice that it was handed: what is
// kept is copied.
//
// JSON is read by package rawjson, which refuses what a client's own reader might choke on.
package protocol
