// Package introspection asks a tenant's backend what its tokens do not say: whose session is this, does this user
// exist, may it hear this topic, whose outpost shows this token.
//
// A [Client] asks one backend, at one URL, with
//
//	POST <url>
//	Authorization: Bearer <secret>
//	Content-Type: application/json
//
// and one of these bodies:
//
//	{"kind":"session","tenant":"acme","session":"<what the cookie holds, or the sid of its JWT>","user":"<the JWT's sub, if it was one>"}
//	{"kind":"user","tenant":"acme","user":"42"}
//	{"kind":"access","tenant":"acme","user":"42","topic":"datasetUpdate/610217e481f6fc54736209e0"}
//	{"kind":"outpost","tenant":"acme","outpost":"<uuid>","token":"<what it shows>"}
//	{"kind":"outpost","tenant":"acme","token":"<what it shows>"}
//
// of which the last asks whose token it is, before the outpost has said which one it is.
//
// The backend answers 200 and a JSON object, whether it allows or not:
//
//	{"allow":true}     yes
//	{"allow":false}    no: no such session, user or right
//
// Beside allow, which has to be there, an answer may have: "user", a text or whole number (a session that is allowed
// needs it, unless the question named it); "outpost", whose token it is, if the question did not say; "topics", a list
// of patterns (of a session; otherwise the tenant's setting holds); "id", the word for this session or token in
// revocations (never the secret itself); "issued" and "expires", in Unix seconds; and "ttl", how many seconds the
// answer may be remembered at most. Other members are ignored.
//
// It promises:
//
//  1. Nothing is contacted but the URL: no redirect is followed, no proxy of the environment is used, no cookie is
//     kept.
//  2. Any other answer (another status, a redirect, more than 64 KiB, no such object) is a failure and never a yes.
//  3. A question takes at most Budget, tries and waits included. A try that failed by the network, a timeout or a
//     status of 429 or 5xx is repeated after a wait with jitter. Several that ask the same at once share one call.
//  4. After 5 failures in a row nothing is asked for 10 s; then one try says whether the backend is back.
//  5. At most Concurrency calls are under way; of further questions a bounded number waits, and the rest fails at once.
//  6. Answers are remembered, yes and no apart, so that guesses cannot push out what is worth keeping; by a hash of the
//     question, for it may hold a secret. No secret reaches a log or an error.
//  7. Without an answer the policy decides: deny, or allow-cached, which lets a yes hold for up to Stale after its
//     time.
//
// It has no goroutine of its own: who asks does the call, and who gives up hands it to the next that waits.
//
// It does not know what a yes opens.
package introspection
