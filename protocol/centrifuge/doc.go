// Package centrifuge speaks the client protocol of Centrifugo, so that its client libraries connect unchanged: JSON
// over WebSocket, one or several commands a message.
//
// A channel is a topic of the same name, whose events below do not count: a client hears exactly what it asked for.
// Epoch and offset are those of the topic. The data of a publication is the data of an event, whatever its kind; what a
// client publishes is an event of the kind json, or value if it is no object, so that the clients of other protocols
// hear it too. An event that is sent to users or to all is a message push.
//
// A session is pure (see protocol.Session). It promises that a command gets one reply with its id, that the reply to a
// subscribe precedes every publication of the channel, and that no publication follows the reply to an unsubscribe.
// The publications that a recovering client missed follow the reply.
//
// It does not know protobuf, deltas or channel ids; a client that asks for a delta or an id goes on without.
package centrifuge
