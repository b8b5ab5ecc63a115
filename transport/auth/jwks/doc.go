// Package jwks keeps a JSON Web Key Set fresh that somebody publishes at a URL, such as an identity provider that
// replaces its keys now and then.
//
// A [Source] fetches one URL, at the start, again when the answer's cache headers say that it is old, and again when it
// is asked for a key that it does not have. Each document that it gets it hands to its user, who takes it or says why
// not.
//
// It promises:
//
//  1. Nothing is contacted but the URL: https, or http on the loopback address. A redirect is followed on the same host
//     and scheme only, and no proxy of the environment is used.
//  2. A fetch takes at most 5 s and 1 MiB. Anything but 200 and a document that its user takes is a failure, and then
//     what was taken last holds on. Failures are repeated after 1 s, and after twice as long each time up to a minute.
//  3. What an answer says of its age (Cache-Control: max-age, no-cache, no-store; Expires; Age) is obeyed between a
//     minute and an hour; if it says nothing, it is fetched again after a quarter of an hour.
//  4. Asked for unknown keys it fetches once in 30 s at most, however many ask; those who ask while a fetch is under
//     way wait for that one.
//  5. No address reaches a log or an error but its host: the rest may hold a secret.
//
// It has one goroutine, Run.
//
// Libraries were looked at and left: MicahParks/jwkset (0.11) fetches at a fixed interval without looking at cache
// headers and without a bound on the answer, lestrrat-go's httprc (3.0) knows cache headers but no unknown keys,
// go-oidc (3.21) fetches for unknown keys alone; and each brings its own reading of keys, where package auth has rules
// to keep: one algorithm per key, nothing weak, and one key that cannot be used costs no other.
//
// It does not know what a key is.
package jwks
