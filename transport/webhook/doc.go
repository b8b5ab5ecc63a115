// Package webhook delivers a tenant's lifecycle events to its backend: in order, in batches, over HTTP, until the
// backend has them.
//
// A [Dispatcher] sends, to one URL,
//
//	POST <url>
//	Content-Type: application/json
//	Parley-Batch: <epoch>-<number of the first event>
//	Parley-Timestamp: <Unix seconds, of this try>
//	Parley-Signature: v1=<hex of HMAC-SHA256(secret, timestamp + "." + body)>
//
//	{"tenant":"acme","epoch":"2DQJDAYUFLTK","lost":0,"events":[{"type":"connected","epoch":"...","number":7,...}]}
//
// A backend checks the signature over the bytes as they came, compares it in constant time, and refuses a timestamp
// that is more than five minutes from its own clock. It answers 2xx when it has the batch. It should ignore members
// that it does not know.
//
// It promises:
//
//  1. Order: events come in the order of their numbers, one batch at a time.
//  2. At least once: the dispatcher sends a batch that was not answered by 2xx again, with the same events and the same
//     Parley-Batch, for as long as it takes. It waits before each try, from 200 ms up to 30 s, with jitter, or for the
//     time in Retry-After (at most 5 min). A backend whose answer got lost gets the batch twice: it recognizes its
//     events by epoch and number.
//  3. No silent loss: the queue is bounded in events and in bytes. A full queue drops its oldest event. The numbers
//     then have a gap, the next batch says in "lost" how many events are missing before its last one, a counter counts
//     them, and the log has one line. A new epoch says that the server, or the switch for these events, was off
//     meanwhile: what waited is gone. In both cases, a backend that keeps track reads GET /api/v1/connections anew.
//  4. The dispatcher contacts only the URL: it follows no redirect, uses no proxy of the environment and keeps no
//     cookie. Of an answer it uses only the status and Retry-After.
//  5. Nobody waits for the backend: Tell only appends to a queue.
//  6. Close delivers what waits until its context ends.
//  7. Neither the secret nor the path and query of the URL reach a log or an error.
//
// It asks that one goroutine at a time calls Tell, in the order of the events' numbers.
//
// It does not know what the events say.
package webhook

// It does not know what the events say.
