// Package introspection asks a tenant's backend what the tenant's tokens do not say: whose session this is, whether
// this user exists, whether the user may hear this topic, and which outpost a token belongs to.
//
// A [Client] asks one backend, at one URL, with
//
//	POST <url>
//	Authorization: Bearer <secret>
//	Content-Type: application/json
//
// and one of these bodies:
//
//	{"kind":"session","tenant":"acme","session":"<the cookie's content, or the sid of its JWT>",
//	 "user":"<the JWT's sub, if it is a JWT>"}
//	{"kind":"user","tenant":"acme","user":"42"}
//	{"kind":"access","tenant":"acme","user":"42","topic":"datasetUpdate/610217e481f6fc54736209e0"}
//	{"kind":"outpost","tenant":"acme","outpost":"<uuid>","token":"<what it shows>"}
//	{"kind":"outpost","tenant":"acme","token":"<what it shows>"}
//
// The last one asks to which outpost a token belongs, before the outpost has said which one it is.
//
// The backend answers 200 and a JSON object, whether it allows or not:
//
//	{"allow":true}     yes
//	{"allow":false}    no: no such session, user or right
//
// "allow" is required. An answer may also have: "user", a text or whole number (required for a session that is allowed,
// unless the question named the user); "outpost", to which the token belongs, if the question did not say; "topics", a
// list of patterns for a session (without it, the tenant's setting holds); "id", the name of this session or token in
// revocations (never the secret itself); "issued" and "expires", in Unix seconds; and "ttl", for how many seconds the
// answer may be cached at most. The client ignores other members.
//
// It promises:
//
//  1. The client contacts only the URL: it follows no redirect, uses no proxy of the environment and keeps no cookie.
//  2. Any other answer (another status, a redirect, more than 64 KiB, no such object) is a failure and never a yes.
//  3. A question takes at most Budget, including all tries and waits. The client repeats a try that failed by the
//     network, a timeout or a status of 429 or 5xx, after a wait with jitter. Callers that ask the same question at
//     once share one call.
//  4. After 5 failures in a row the client asks nothing for 10 s; then one try finds out whether the backend is back.
//  5. At most Concurrency calls are under way. A bounded number of further questions waits; the rest fails at once.
//  6. The client caches answers: yes and no apart, so that guesses cannot evict what is worth keeping, and under a hash
//     of the question, which may hold a secret. No secret reaches a log or an error.
//  7. If there is no answer, the policy decides: deny, or allow-cached, which lets a yes hold for up to Stale after its
//     time.
//
// It has no goroutine of its own: the caller makes the call, and a caller that gives up leaves it to the next one that
// waits.
//
// It does not know what a yes opens.
package introspection
