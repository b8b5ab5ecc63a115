// Package api is the HTTP API: it turns requests into calls of the node and answers them in JSON. openapi.json
// describes the calls; the server serves it, and tests hold the handlers against it.
//
// It promises:
//
//  1. The API key alone says whose tenant a backend is, and stands in the Authorization or the X-API-Key header. A key
//     in a URL is refused even if it is valid, since URLs are written to logs.
//  2. Whatever a body, path or query holds, the answer is JSON: the result, or {"error":{"code","message"}} with the
//     status that protocol.Reason gives to the code. Messages name the member, the limit and the way out. An error of
//     the server's own says "internal error" and is logged once.
//  3. Reading is strict: one JSON value, valid UTF-8, no name twice, at most 64 deep, no member or parameter that the
//     call does not know. Every body has a limit, and the server reads no further.
//  4. 429 and 503 carry a Retry-After in seconds, which comes from the limit that was hit: the key's rate limit knows
//     it to the second, a full queue says 1.
//  5. No key and no query string reaches a log, a metric or an answer.
//  6. A publish on the fast path ([API.FastPath]) gets the answer that net/http would give, to the byte but for the
//     order of its headers. net/http serves everything that is not a plain publish or batch.
//
// Beside backends there are users, who get tickets, and outposts, which read documents. Both show tokens of their own,
// which [Tickets] and [Outposts] check, in the tenant that Config.Tenant names. Their errors also have the member
// detail of the original servers. An outpost that reads below /api/v3/ gets the document that is configured for it,
// otherwise the answer of the real authentik ([API.Upstream]: it checks the token, and 502 says that it did not
// answer), otherwise one of the two documents that this server knows itself. A response that would make an outpost ask
// again and again is delayed by a second on the request's own goroutine, for up to 32 requests of one token and 1,024
// in all at once; one more is not delayed, but closes its connection.
//
// Operators list, drain, restart and suspend tenants, and make backups, on the internal address.
//
// It asks for an http.Server in front with ReadHeaderTimeout, WriteTimeout and MaxHeaderBytes; it bounds the time for a
// body and for an answer of the node itself. [API.Internal] has no key but Config.AdminKey, so its address belongs on
// loopback.
//
// It does not know sockets, dialects, tokens, or where its settings come from. No other package uses Prometheus'
// library.
package api
