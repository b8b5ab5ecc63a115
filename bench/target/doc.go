// Package target describes a server under test: Parley, or a peer that Parley is compared with. The description says
// how the server is started, what its clients send, and how a backend publishes to it. It is a small YAML file in
// bench/peers and no code; bench/README.md has the format in a table.
//
// It promises that a file with an unknown key, an unknown variable, or without what every target needs is refused with
// its name and the reason, before anything is measured.
//
// Variables are written ${name}:
//
//	n         the number of the client, or of the user or topic that is published to, from 1
//	user      its name as a user, user-<n>
//	topic     the name of the topic that it listens or publishes to, topic-<number>
//	view      which of the 50 filter views it has, from 0 (case views)
//	token     the client's token; exp is when it ends, in Unix seconds
//	port      a free port of 127.0.0.1, port2 another one
//	certificate, key  the PEM files of the server's certificate, in a case with TLS
//	stamp     the time in Unix nanoseconds; sequence counts the events of one publisher to one topic or user, from 1
//	index     the number of an item, from 0, in a call that has items
//	pad       letters that fill the event up; payload is the target's payload, filled in, size its bytes
//	login_key the public key of the tokens of login, a PEM text
//	NAME      in capitals: the environment variable that the target needs
//
// It knows nothing of sockets and processes: packages loadgen, publisher and process do what the description says.
package target
