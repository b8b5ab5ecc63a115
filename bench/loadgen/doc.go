// Package loadgen is very many WebSocket clients on one thread: what a load generator is made of.
//
// A Swarm holds up to 19,000 sockets (under a limit of 20,000 file descriptors) in one epoll set. It speaks to any
// WebSocket server: what its clients say after the handshake are lines of text that the caller gives. It counts what
// arrives, holds the order against the sequence numbers in it, and puts the time since each event's time stamp into a
// histogram.
//
// It promises to be cheap, so that a measurement measures the server: no goroutine and no buffer per socket, no JSON
// parsing (an event's numbers are found by the text in front of them), one read per ready socket. A frame may hold
// several events: each stamp in it counts. Clients enter many at a time, without waiting for each other.
//
// It asks for Linux, for servers on loopback, for a sequence number behind the time stamp of each event, and for
// messages of at most 16 MiB that are not compressed (it offers no extension) nor fragmented; others end the swarm with
// an error.
package loadgen
