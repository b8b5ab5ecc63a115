// Package websocket lets clients in over WebSocket, reads what they send and writes what waits for them.
//
// # How it is built
//
// A [Server] owns the sockets of a process. A [Handler], made by it, lets clients in on the exact paths of its
// dialects. The files stand in three bands, around the socket that all of them work on (socket.go, socket_read.go,
// socket_close.go):
//
//   - handshake_*: a request becomes a socket. An upgradeRequest is checked in full (RFC 6455 section 4.2, Origin, the
//     node's limits, a credential if the dialect finds one in the request), and only then taken over from net/http.
//   - read_*: bytes become messages. gws (github.com/lxzan/gws) does the reading, through a stream behind a guard. A
//     socket whose client is silent, or only answers pings, is parked in the idlePoller.
//   - write_*: frames become bytes, and with TLS records (write_tls.go). Scheduled sockets wait in a readyQueue for a
//     writer, one of a few; a slowWriter takes over a socket that blocks. fd_* is about the file descriptors that they
//     write to, and how many there may be.
//
// A socket may be an event stream instead (stream.go): the body of an HTTP response, for package transport/sse.
//
// The way in: idlePoller -> socket.read -> gws -> stream.Read -> guard.scan -> gws -> gwsEvents.OnMessage ->
// actors.Link.
//
// The way out: outbox.Outbox -> socket.Wake -> readyQueue -> writer.serve -> socket.nextFrames, which takes the frames
// out of the outbox again -> batch.bytes -> with TLS seal -> tryWrite -> the kernel. Then writer.ack tells the
// outbox what was written.
//
// All writing is ours: gws has a net.Conn whose Write goes nowhere. The close code that gws chooses at the end
// becomes a close frame that takes the way out like everything else, so nothing interleaves inside a frame.
//
// # It promises
//
//  1. Bytes reach gws only after the guard has followed their frame boundaries. Reserved bits, impossible lengths (one
//     of which ends a gws process), stray continuations, endless fragments, text that cannot become UTF-8, unfinished
//     messages and floods of control frames end that one socket with the close code that fits, at the byte that shows
//     it.
//  2. An idle socket costs no goroutine (on Linux; elsewhere one) and no timer. A few writers put everything that waits
//     for a socket into one non-blocking system call, and allocate nothing per delivery. With TLS the same holds for
//     connections of a NewTLSListener.
//  3. A peer that does not read blocks no writer, no reader and no publisher: a slowWriter takes its socket over, parks
//     its outbox after 50 ms, and cuts it off as slow after Config.WriteTimeout without progress.
//  4. A close frame survives: after it the stream is half-closed, and what the peer still sends is read away for up to
//     a second, so that no reset overtakes the frame. Before it, for Config.CloseGrace at most, whole messages are
//     answered that came before the client's close frame, before its fault or before the end of its side of the stream,
//     and frames that wait are written. A client that ends its side without a close frame gets none; if it may resume,
//     it is taken for lost at once, so that its events are kept.
//  5. Whatever ends a socket, a panic included, its Link hears Gone once, and nothing of the socket is left.
//  6. Upgrades go one after the other, tenants in turn, and let writers go first: a storm of clients holds up no
//     delivery, and no other tenant's clients. One that waits for longer than Config.HandshakeTimeout gets 503.
//  7. If the Logger takes debug lines, each message gets one: direction, size, and the protocol's word for its type. No
//     other part of a message is ever logged.
//
// # It asks of its user
//
// An http.Server with ReadHeaderTimeout and MaxHeaderBytes set, a [Node], and valid UTF-8 in every text that is offered
// to an outbox.
//
// # It does not know
//
// The contents of messages: no topic, no JSON beyond its refusals and the type in a debug line, no token (a credential
// goes to the actors.Authenticator unread).
//
// # Where it leaves the usual ways of gws
//
// It announces itself what was negotiated, because gws cannot answer server_max_window_bits per connection, which
// Python's websockets asks for by default. And it writes plain frames of up to [shareAbove] bytes from header and data
// without a shared form: copying 160 bytes is cheaper than keeping a second copy of each event for as long as its
// slowest reader needs it.
package websocket
