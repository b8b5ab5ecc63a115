// Package limit bounds how fast things come in: the messages, bytes, subscribes and connects of one connection, one user,
// one address and one tenant. It counts and says no; what a refusal means for a connection is the caller's matter.
//
// A [Tenant] holds the counters that connections share, a [Connection] its own. Times are those of the node's timing wheel
// (timer.Wheel.Since), so that a wall clock that somebody sets neither frees nor blocks anyone.
//
// Everything here is bounded: a tenant remembers at most 65,536 users and addresses of each kind, the least recently seen
// is forgotten first. Nothing blocks.
package limit
