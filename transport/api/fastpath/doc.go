// Package fastpath is a small HTTP/1.1 server in front of net/http. It serves plain POST requests, one after the other
// on kept-alive connections, and leaves everything else to net/http.
//
// Why it exists: a publish to ten subscribers cost the server 50 us of processor time, 20 of which were net/http's (8
// publishers on kept-alive connections, 2 cores shared with them, 2026-11-21; bench/NOTES.md). A loop of publishes made
// 31,900 requests a second on the fast path and 17,200 by net/http.
//
// It takes "POST <path> HTTP/1.1" with the exact path of a [Route], one Host, one Content-Length below 256 KiB, at most
// one Authorization and one X-API-Key header, and a head that arrives in one read of at most 4 KiB (net/http's read
// buffer). Requests may be pipelined, and a body may arrive in any pieces. With "Connection: close" the response is the
// last, and travels in one packet with the end of the stream. If such a request is there as a whole when its connection
// is accepted, Accept starts a goroutine that answers it, and net/http never sees the connection; the server's
// ConnState hook does. [Listener.Wait] waits for these.
//
// It hands everything else over to net/http: any other method, path or version, a query, a chunked body, Connection
// (but for keep-alive and close), Expect, Upgrade, Trailer, TE, a head in several pieces, and connections with TLS.
// net/http gets the connection for good, with every byte of the request, which is unanswered: no request is served by
// both.
//
// It must never decide some things itself, since two servers in a row that disagree about the end of a request let a
// client smuggle one (RFC 9112 section 11.2): Transfer-Encoding in any form, two Content-Lengths even if they are
// equal, a Content-Length that is not 1 to 6 digits, two Hosts or an odd one, a bare CR or LF, a folded line, a space
// before the colon, a NUL or another control character. net/http refuses or reads these. A fuzz target compares each
// answer, and the state of the connection behind it, with those of net/http alone.
//
// It promises:
//
//  1. The client gets the answer that net/http would give: status, headers (in another order), body, and whether the
//     connection stays open. Requests are answered in their order. Only the moment may differ: a handler that leaves
//     its body unread, or panics, is not held up until the body has come.
//  2. A request's context ends after Config.Timeout. It does not end when the client goes away.
//  3. The timeouts of the http.Server hold, at most 10 s longer, which saves setting them for each request.
//  4. While Config.Draining says so, or once the server shuts down, an answer carries Connection: close and the
//     connection closes: requests behind it are not read. A shutdown closes idle connections at once.
//
// Its bounds: an idle connection keeps the buffers of its last response, if they have at most 128 KiB, and none for
// requests. A client may send up to 1 MiB, and 500 ms long, behind an answer that closes. Four bytes of line breaks may
// stand between two requests. A body that the handler left, and that never comes, ends the connection after 10 s.
//
// It asks a handler to look at nothing but the method, the path, the Content-Length, the body, Authorization and
// X-Api-Key of a request, since nothing else is set; to keep neither the request nor its context or body, which the
// next request uses again; to set a Content-Type, a status that allows a body, and header values without line breaks;
// and to leave the header Connection alone. A panic ends the connection, as it does in net/http. Of the server it asks
// that SetKeepAlivesEnabled is not used.
//
// It does not know what the requests mean, who may make them, or how they are answered.
package fastpath
