// Package canary proves that events get through a node. A [Canary] is a connection like any other, whose client and
// transport are both in this process: it has an event sent to its topic or its user, and waits until the event comes
// out of its outbox.
//
// It knows no actor: the engine connects it as its [Conn], and sends the event.
package canary
