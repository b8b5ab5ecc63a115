// Package swarm is very many WebSocket clients on one thread: what a load generator is made of.
//
// A Swarm holds up to 19,000 sockets (under a limit of 20,000 file descriptors) in one epoll set. It speaks to any
// WebSocket server: what its clients say after the handshake are lines of text that the caller gives. It counts what
// arrives, holds the order against the sequence numbers in it, and puts the time since each message's time stamp into
// a histogram.
//
// It promises to be cheap, so that a measurement measures the server: no goroutine and no buffer per socket, no JSON
// parsing (a message's numbers are found by the text in front of them), one read per ready socket.
//
// It asks for Linux, for servers on loopback, and for messages below 64 KiB that are not compressed (it offers no
// extension) nor fragmented.
package swarm
