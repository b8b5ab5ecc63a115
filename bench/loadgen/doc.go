// Package loadgen is a load generator: very many WebSocket clients on one thread.
//
// A Generator holds up to 19,000 sockets (under a limit of 20,000 file descriptors) in one epoll set. It speaks to any
// WebSocket server: the caller gives the lines of text that its clients send after the handshake. It counts the events
// that arrive, checks their order by the sequence numbers in them, and records the time since each event's time stamp
// in a histogram.
//
// It promises to be cheap, so that a measurement measures the server: no goroutine and no buffer per socket, no JSON
// parsing (it finds an event's numbers by the text in front of them), one read per ready socket. A frame may hold
// several events: each stamp in it counts. Many clients connect at a time, without waiting for each other.
//
// It asks for Linux, for servers on loopback, for a sequence number behind the time stamp of each event, and for
// messages of at most 16 MiB that are not fragmented, and compressed only if the Plan says so; any other message ends
// the generator with an error.
//
// With TLS each client has what crypto/tls needs, and a goroutine for its handshake; after it the one thread does
// everything.
package loadgen
