// Package fault injects faults for developers of clients: connections that break, handshakes that are refused, events
// that are late, lost or doubled, servers that fall silent. Each fault has an end.
//
// While there is none, an event costs one look at a pointer, together with the one that decides how it wakes its
// reader. While there is one, events take the way through [Faults.Offer]. Answers, pings and close frames are never
// late, lost or doubled. An event that a throttle or a window for the latest values held back escapes.
//
// The package knows no actor, and not who may inject faults.
package fault
