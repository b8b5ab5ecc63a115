// Package api is the door for backends: it turns HTTP requests into calls of the node and answers them in JSON. The
// calls are those of openapi.json, which is served, and tested against the handlers.
//
// It promises:
//
//  1. A backend's tenant is known by its key alone, from the Authorization or the X-API-Key header. A key in a URL is refused even
//     if it holds, since URLs are written to logs.
//  2. Whatever a body, path or query holds, the answer is JSON: what was asked for, or {"error":{"code","message"}} with
//     the status that protocol.Reason gives to the code. Messages name the member, the limit and the way out. An error
//     that is ours says "internal error" and is logged once.
//  3. Reading is strict: one JSON value, valid UTF-8, no name twice, at most 64 deep, no member or parameter that the
//     call does not know. Every body has a limit, and nothing behind it is read.
//  4. 429 and 503 carry a Retry-After, in seconds, that comes from what refused them: the key's rate limit knows to the
//     second, a full queue says 1.
//  5. No key and no query string reaches a log, a metric or an answer.
//  6. A publish on the fast path ([API.FastPath]) is answered as one by net/http, to the byte but for the order of its
//     headers. All that is not a plain publish or batch goes to net/http.
//
// Beside backends there are users, who get tickets, and outposts, which read documents, both with tokens of their own
// that [Tickets] and [Outposts] check, in the tenant that Config.Tenant names; their errors have the member detail of the
// original servers as well. An outpost that reads below /api/v3/ gets the document that is configured for it, else what
// the real authentik says ([API.Upstream]: it checks who asks, and 502 says that it did not answer), else one of the
// two documents that this server knows itself. An answer that would have an outpost ask again and again is held for a
// second on the request's own goroutine: up to 32 at once for one token and 1,024 in all; one more loses its
// connection.
//
// Operators look at, drain, restart and suspend tenants, on the internal address.
//
// It asks for an http.Server in front with ReadHeaderTimeout, WriteTimeout and MaxHeaderBytes; the time for a body and
// for an answer of the node is bounded here. [API.Internal] has no keys but Config.AdminKey: its address belongs on loopback.
//
// It does not know sockets, dialects, tokens, or where its settings come from. Prometheus' library is used here and
// nowhere else.
package api
