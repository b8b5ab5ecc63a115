// Package inproc is a load generator without sockets: a real actors.Node and very many in-process Valtronics clients,
// whose transports are in memory. It measures what the engine costs when the kernel and the network cost nothing.
//
// It promises:
//
//   - Clients log in without shortcuts: each one is admitted, opens a session of the real dialect, sends a token and
//     subscribes in lines of JSON, and counts as connected when it has received the replies to all its lines.
//   - Each client has an address of its own, and obeys the limits that the caller gives.
//   - Writing works as in transport/websocket: a few writers, each with a queue of its own clients, take all that waits
//     for a client at once and copy it behind frame headers into one buffer. Only the system call is missing. It would
//     be cheaper to take frames right in Wake, but then one topic would never use more than one core.
//   - Each client counts the events that it received, so that a measurement also proves that none was lost or
//     duplicated.
//   - Clients answer pings, as the other end of a socket does.
//
// Its figures leave out what a socket adds: the reader's goroutine, the socket's own state, and the kernel's.
//
// An authenticator takes the token for the user's name: it checks no signature.
package inproc
