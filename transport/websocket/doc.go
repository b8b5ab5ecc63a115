// Package websocket is the wire: it lets clients in, reads what they say and writes what waits for them.
//
// A [Server] answers opening handshakes on the exact paths of its dialects. It checks each one in full (RFC 6455 section 4.2, Origin,
// the node's limits, a credential if the dialect shows one) before anything is upgraded; then it takes the connection over from
// net/http and gives gws (github.com/lxzan/gws) the reading. All writing is ours: gws is handed a net.Conn whose Write goes nowhere,
// and what it wanted to say at the end is said through the same door as everything else, so nothing interleaves inside a frame.
//
// It promises:
//
//  1. Bytes reach gws only after a guard has followed their frame boundaries. Reserved bits, impossible lengths (one of which ends a
//     gws process), stray continuations, endless fragments, text that cannot become UTF-8, unfinished messages and
//     floods of control frames end that one socket with the close code that fits, at the byte that shows it.
//  2. An idle socket costs no goroutine (on Linux; elsewhere one) and no timer. Writing is done by a few workers that put everything
//     that waits for a socket into one non-blocking system call; nothing is allocated per delivery.
//  3. A peer that does not read blocks no worker, no reader and no publisher: a goroutine takes its socket over, after [ParkAfter] its
//     outbox is parked, and after Config.WriteTimeout without progress it is cut off as slow.
//  4. A close frame survives: after it the stream is half-closed and what the peer still sends is read away for up to a second, so
//     that no reset overtakes the frame. Whole messages that came before the client's close frame, before its fault or
//     before the end of its side of the stream are answered first, and what waits for it is written first, for
//     Config.CloseGrace at most. A client that ends its side without a close frame gets none; if it may resume, it is
//     taken for lost at once, so that events are kept for it.
//  5. Whatever ends a socket, a panic included, its Link hears Gone once, and nothing of it is left.
//  6. If the Logger takes debug lines, each message gets one: direction, size, and the protocol's word for what it is. Nothing else of
//     what is said is ever logged.
//
// It asks of its user an http.Server with ReadHeaderTimeout and MaxHeaderBytes set, a [Node], and that texts offered to an outbox are valid UTF-8.
//
// It does not know what is said: no topic, no JSON beyond its refusals, no token (a credential goes to the actors.Authenticator unread).
//
// Two things differ from gws's ways. It announces itself what was negotiated, because gws cannot say server_max_window_bits per
// connection, which Python's websockets asks for by default. And plain frames are written from header and data without a shared form
// below [shareAbove]: copying 160 bytes is cheaper than keeping a second copy of each event for as long as its slowest reader needs it.
package websocket
