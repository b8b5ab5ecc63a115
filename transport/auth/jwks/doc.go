// Package jwks keeps a JSON Web Key Set fresh that somebody publishes at a URL, such as an identity provider that
// replaces its keys from time to time.
//
// A [Refresher] fetches one URL: at the start, again when the answer's cache headers say that it is old, and again when
// its user needs a key that is not in the set. It hands each new document to its user, which accepts it or says why
// not.
//
// It promises:
//
//  1. The Refresher contacts only the URL: https, or http on the loopback address. It follows redirects on the same
//     host and scheme only, and uses no proxy of the environment.
//  2. A fetch takes at most 5 s and 1 MiB. Anything but 200 and a document that the user accepts is a failure; the last
//     accepted document then stays in force. The Refresher tries again after 1 s, and after twice as long each time, up
//     to a minute.
//  3. It obeys what an answer says about its age (Cache-Control: max-age, no-cache, no-store; Expires; Age), but
//     fetches no sooner than after a minute and no later than after an hour. If the answer says nothing, it fetches
//     again after a quarter of an hour.
//  4. For unknown keys it fetches at most once in 30 s, however many callers ask. Callers that ask while a fetch is
//     under way wait for that one.
//  5. Of the address, only the host reaches a log or an error: the rest may hold a secret.
//
// It has one goroutine, Run.
//
// We looked at libraries and use none: MicahParks/jwkset (0.11) fetches at a fixed interval, without looking at cache
// headers and without a bound on the answer; lestrrat-go's httprc (3.0) knows cache headers but not unknown keys;
// go-oidc (3.21) fetches for unknown keys only. Each also brings its own reading of keys, where package auth has rules
// to keep: one algorithm per key, nothing weak, and a key that cannot be used costs no other key.
//
// It does not know what a key is.
package jwks
