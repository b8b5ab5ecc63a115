// Package webhook brings a tenant's lifecycle events to its backend: in order, in batches, over HTTP, until it has
// them.
//
// A [Courier] sends, to one URL,
//
//	POST <url>
//	Content-Type: application/json
//	Parley-Batch: <epoch>-<number of the first event>
//	Parley-Timestamp: <Unix seconds, of this try>
//	Parley-Signature: v1=<hex of HMAC-SHA256(secret, timestamp + "." + body)>
//
//	{"tenant":"acme","epoch":"2DQJDAYUFLTK","lost":0,"events":[{"type":"connected","epoch":"...","number":7,...}]}
//
// A backend checks the signature over the bytes as they came, compares in constant time, and refuses a timestamp that
// is more than five minutes from its own clock. It answers 2xx when it has the batch. It should ignore members that it
// does not know.
//
// It promises:
//
//  1. Order: events come in the order of their numbers, one batch at a time.
//  2. At least once: a batch that was not answered by 2xx is sent again, with the same events and the same
//     Parley-Batch, after a wait that grows from 200 ms to 30 s, with jitter, or after Retry-After (at most 5 min), for
//     as long as it takes. A backend that took a batch whose answer got lost gets it twice: it knows its events by
//     epoch and number.
//  3. No silent loss: what waits is bounded by number and bytes. When there is no room the oldest goes; the numbers
//     then have a gap, the next batch says lost: how many are missing before its last event, a figure counts them and
//     the log has one line. A new epoch says that the server, or the switch for these events, was off meanwhile: what
//     waited is gone. After either, a backend that keeps score reads GET /api/v1/connections anew.
//  4. Nothing is contacted but the URL: no redirect is followed, no proxy of the environment is used, no cookie is
//     kept. Of an answer nothing is used but its status and Retry-After.
//  5. Nobody waits for the backend: Tell only appends to a queue.
//  6. Close sends what waits until its context ends.
//  7. Neither the secret nor the URL's path and query reach a log or an error.
//
// It asks that events are told by one goroutine at a time, in the order of their numbers.
//
// It does not know what the events say.
package webhook
