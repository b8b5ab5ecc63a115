// Package fastpath is a small HTTP/1.1 server in front of net/http. It answers the plain POST requests of one kept-alive
// connection after the other request, and leaves everything else to net/http.
//
// Why it exists: a publish to ten subscribers cost the server 50 us of processor time, 20 of which were net/http's (8
// publishers on kept-alive connections, 2 cores shared with them, 2026-11-21). One loop of publishes reached 31,900
// requests a second on the fast path and 17,200 a second by net/http.
//
// What it takes: "POST <path> HTTP/1.1" with the exact path of a [Route], one Host, one Content-Length below 256 KiB, at
// most one Authorization and one X-API-Key header, and a head that arrives in one read of at most 4 KiB (net/http's read
// buffer). Requests may be pipelined, and a body may arrive in any pieces.
//
// What it hands over to net/http: everything else. That is any other method, path or version, a query, a chunked body,
// Connection (but for keep-alive), Expect, Upgrade, Trailer, TE, a head in several pieces, and connections with TLS. The
// whole connection is handed over, unanswered and with every byte that was read, so that no request is seen by both, and
// the connection never comes back.
//
// What it must never decide itself, since two servers in a row that disagree about the end of a request let a client
// smuggle one (RFC 9112 section 11.2): Transfer-Encoding in any form, two Content-Lengths even if they are equal, a
// Content-Length that is not 1 to 6 digits, two Hosts or an odd one, a bare CR or LF, a folded line, a space before the
// colon, a NUL or another control character. net/http refuses or reads these. A fuzz target compares each answer, and the
// state of the connection behind it, with those of net/http alone.
//
// What it promises:
//
//  1. The client gets the answer that net/http would give: status, headers (in another order), body, and whether the
//     connection stays open. Requests are answered in their order.
//  2. A request's context ends after Config.Timeout. It does not end when the client goes away.
//  3. The timeouts of the http.Server hold, at most 10 s longer, which saves setting them for each request.
//  4. While Config.Draining says so, or once the server shuts down, an answer carries Connection: close and the connection
//     closes: requests behind it are not read. A shutdown closes idle connections at once.
//
// Its bounds: an idle connection has no buffer of its own but for the last answer, if that had at most 128 KiB; a client
// may send 1 MiB or 500 ms more behind an answer that closes; four line breaks may stand between two requests.
//
// What it asks of a handler: nothing but the method, the path, the Content-Length, the body, Authorization and X-Api-Key
// of a request may be looked at, since nothing else is set. The request, its context and its body are used again for the
// next request, so the handler keeps none of them. The response has a Content-Type, a status that allows a body, and
// header values without line breaks. A panic ends the connection, as it does in net/http.
//
// It does not know what the requests mean, who may make them, or how they are answered.
package fastpath
