// Package sse serves topics as server-sent events (WHATWG HTML, section 9.2): GET [Path] with one topic or several,
// which a browser's EventSource, curl and every HTTP client can read.
//
// # What it promises
//
//   - The stream is a connection like a WebSocket: it has an outbox, and what holds for slow readers, rates, windows,
//     revocation, expiry and a drain holds for it. It is counted and listed as the dialect "sse".
//   - id is where the client stands: epoch:offset with one topic; with several the positions in all of them, in the
//     order of the topics. Last-Event-ID, or last_event_id in the query, goes on from there: each event once, in order.
//   - An event position_lost says that events are missing, before the stream goes on with what comes.
//   - A refusal is an HTTP status with a JSON body. A stream that ends says why in a comment.
//
// # How it does that
//
// The package has the words and package websocket the sockets (Server.Stream): the response is written by the writers
// of WebSockets, without a goroutine, and idle it costs what an idle WebSocket costs. That is why it does not use
// net/http's ResponseWriter, which keeps two goroutines and 8 KiB of buffers for each client. The price is that a
// stream ends with its connection (HTTP/1.1 without a length), so that the next request needs another one.
//
// With one topic the bytes of an event are the same for all its readers. With several the id differs from client to
// client: events are marked with topic and position, and each client's Rewriter makes the id of it when it is written,
// since only then it is known what the client has got.
//
// It does not know what a WebSocket is, nor where the streams are counted.
package sse
