// Package cluster is the port by which the nodes of a cluster talk to each other: one TCP address, TLS 1.3 with
// certificates on both sides, and two protocols on it that ALPN tells apart.
//
//   - "h2" is the remoting of protoactor, which carries what the actors of different nodes say to each other: parcels
//     of actors/cluster/link.
//   - "parley-stream/1" is a stream of our own for Raft: its messages need no packing, and its end tells at once that
//     the other process has ended.
//
// Nothing but tests uses it until a node does.
//
// # What it promises
//
//  1. Nobody talks to a node without a certificate of the cluster's authority that names the cluster; a node of another
//     cluster is refused even if one authority signed both. [Sender] is what the certificate says, never what the peer
//     claims.
//     Somebody without one who can reach the port may delay new connections by handshakes that hang for 3 s, not those
//     that are open.
//  2. Certificates may change at any time ([Certificates.Set]); connections that are open stay.
//  3. A peer cannot make a node grow, block another peer, or end. A message is refused by its length before it is read.
//     Of protoactor's messages only parcels pass, so no peer can reach another actor or stop one (actors/mailbox).
//     While the handler is busy, nothing more is read, and HTTP/2's flow control does the rest.
//  4. Nothing waits for a peer. The parcels on their way to it are bounded by the credit of the link, and the messages
//     on a stream by a queue; what does not fit is dropped, and the layers above know what to do.
//  5. Up and Down tell when a stream opens and ends. Down says whether the peer refused a dial at once afterwards:
//     nobody listens there.
//
// # What of protoactor remote is used
//
// Its service, its messages and their generated code: a node that runs protoactor's own endpoints could send parcels
// here. But both ends are our own, since its endpoints cannot be bounded, and a peer can end the process by them:
//
//   - Their queues have no bound: 0.6 to 3.5 GB after 3 s at full speed, 850,000 messages for a stopped peer in 5 s
//     (2026-11-30). With the credit of a link above them they would hold no more than that.
//   - But a dial that fails costs a pause of 2 s, and leaks a connection with four goroutines. When a stream breaks,
//     what waits is lost without a word.
//   - The receiver takes messages for any actor, system messages included, and a type that it does not know ends its
//     process. It panics if its address is taken.
//   - Start sets gRPC's logger, which is a data race when the process uses gRPC already.
//
// Our ends take 0.7 to 1.0 us of CPU an event, both sides with TLS together (200 bytes, 100 events a parcel, 2 shared
// cores, 2026-12-01); protoactor's took 0.87 us, and a stream of our own 0.55 to 0.7 us (BenchmarkPort).
package cluster
