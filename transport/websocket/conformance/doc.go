// Package conformance checks a WebSocket server from outside against RFC 6455 and RFC 7692.
//
// It is a battery of [Cases], each a short story of frames and what must come of them, played over raw TCP or TLS: a
// client library would not send what most of them send. Each byte that the server says is checked, too. [Run] plays the
// battery against a [Target], which is any URL; the command wsconform does so from a command line.
//
// It promises:
//
//  1. A case is known by its ID. The groups are those that implementers know from Autobahn: 1 framing, 2 ping and pong,
//     3 reserved bits, 4 reserved opcodes, 5 fragmentation, 6 UTF-8, 7 closing, 9 sizes, 10 re-fragmentation, 12 and 13
//     permessage-deflate, and beside them 0 opening handshake, 14 violations inside of compression, 15 hostile clients.
//     An ID never changes its meaning; new cases come at a group's end. Each case names the section in which its rule
//     stands.
//  2. An [Outcome] is pass, weak, fail or skip. Behaviour that the RFCs tolerate is weak and not failed; a case that
//     does not apply is skipped and says why.
//  3. Each wait has an end: Target.Timeout for a reaction, 30 s for a large message, Target.HandshakeLimit for an
//     unfinished handshake, two minutes for a case. A server that does not answer after a case fails that case; if it
//     does not come back within Options.Wait, the cases that were not played have failed, too.
//  4. A strict server passes all of it, and each rule is broken on purpose in the package's tests, to show that a case
//     sees it.
//  5. No goroutine and no connection is left when Run returns.
//
// It asks for an endpoint that echoes, or, with Target.Live, for one that lets a client in and does not hang up on it
// meanwhile.
//
// It knows nothing of the server under test and imports nothing of it: flate alone, for a compressor that keeps to a
// window.
package conformance
