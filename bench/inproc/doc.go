// Package inproc is very many Valtronics clients without sockets: a real actors.Node and connections whose wires are in
// memory. It measures what the engine costs when the kernel and the network cost nothing.
//
// It promises:
//
//   - Nothing is short-cut on the way in: each client is admitted, opens a session of the real dialect, shows a token and
//     subscribes in lines of JSON, and counts as inside when the answers to all its lines have come.
//   - Each client has an address of its own, and obeys the limits that its caller gives.
//   - Writing is done as transport/websocket does it: a few writers, each with its own clients in a queue, take all that
//     waits for a client at once and copy it behind frame headers into one buffer. Only the system call is missing. It
//     would be cheaper to take frames right in Wake, but then one topic would never use more than one core.
//   - Each client counts the events that it took, so that a measurement is also a proof that none was lost or doubled.
//   - Pings are answered, as a socket's peer does.
//
// Not in its figures, since a socket brings them: the reader's goroutine, the socket's own state, and the kernel's.
//
// Tokens are checked by a verifier that takes the token for the user's name: no signature is checked.
package inproc
