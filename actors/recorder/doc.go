// Package recorder is the flight recorder of a node: it keeps how the last connections ended, and which handshakes and
// logins were refused last, so that somebody who asks later why is told.
//
// It promises that it is bounded in entries and in bytes: the oldest entries make room. The ended and the refused have
// a ring each, so that a flood of refused strangers takes no entry from a connection. It is written to when a
// connection ends, never for a frame; what a connection remembers while it lives is its [Trace], of a few bytes.
//
// It asks that nothing it is given is a secret: no token, no cookie, no query of an address. It does not know the
// engine, nor who may read what: [Query.Tenant] keeps tenants apart.
package recorder
