// Package target is the words by which a server takes part in the benchmark: how it is started, what its clients say, how
// one publishes to it. A peer is a small YAML file and no code; bench/README.md has the format in a table.
//
// It promises that a file with an unknown key, an unknown place to fill in, or without what every peer needs is refused
// with its name and the reason, before anything is measured.
//
// Places to fill in are written ${name}:
//
//	n         the number of the client, or of the user or topic that is published to, from 1
//	user      its name as a user, user-<n>
//	topic     the name of the topic that it listens or publishes to, topic-<number>
//	view      which of the 50 filter views it has, from 0 (case views)
//	token     the client's token; exp is when it ends, in Unix seconds
//	port      a free port of 127.0.0.1, port2 another one
//	stamp     the time in Unix nanoseconds; sequence counts the events of one publisher to one target, from 1
//	index     the number of an item, from 0, in a call that has items
//	pad       letters that fill the event up; payload is the peer's payload with all of this filled in, size its bytes
//	NAME      in capitals: the environment variable that the peer needs
//
// It knows nothing of sockets and processes: packages swarm, publisher and process do what the words say.
package target
