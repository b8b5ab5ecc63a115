// Package limit bounds how fast things come in: the messages, bytes, subscribes and connects of one connection, one
// user, one address and one tenant. It counts, and refuses as RateLimited with the time after which to retry; the
// caller decides what a refusal means for a connection.
//
// A [Tenant] holds the counters that connections share, a [Connection] its own. Messages, bytes and subscribes are
// counted in token buckets, per second and by the time of the node's timing wheel (timer.Wheel.Since, in nanoseconds),
// so that setting the wall clock neither frees nor blocks anyone. Connects are counted per minute.
//
// [Unauthenticated] bounds the connections of the whole node that have not logged in yet, [AdmitConnection] those of
// a tenant; [Admission] is the lock at which all come in.
//
// It promises a bound on its memory: a tenant remembers at most 65,536 connect counters and 65,536 meters of users and
// addresses, and forgets the least recently seen first. Nothing blocks, except for short locks.
//
// It asks that one goroutine at a time uses a Connection; many may use a Tenant or Unauthenticated. It does not know
// actors, sockets or sessions.
package limit
