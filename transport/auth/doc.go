// Package auth says who shows a credential, and what it may hear. It is the only place that knows JWT.
//
// A [Verifier] holds the keys of all tenants and answers two questions, Authenticate and Authorize. What a client shows
// has a form:
//
//	JWT       a key of the tenant; then what it says, by the tenant's rules and the dialect's
//	ticket    one of [Tickets], which are made for who has a JWT: once, within 30 s, in the same tenant, and for no longer than the JWT
//	cookie    a session of authentik: its JWT, by keys of its own (see [CookieRules]), or a key that the tenant's backend knows
//	outpost   an opaque token of the settings, or one that the backend knows, for the outpost that it is bound to
//	unproven  nothing but a name, for tenants that want it
//
// It promises:
//
//  1. A key has exactly one algorithm, and a token is checked with a key only under that algorithm. What a token's
//     header asks for can choose among a tenant's keys; it can never add one: headers that carry or point to keys (jku,
//     x5u, jwk, x5c) or change the meaning of the token (crit, b64, enc, zip) are refused, and nothing that it names is
//     ever fetched or opened. An unknown kid has the tenant's own key set fetched, from the URL of the settings, once
//     in 30 s at most.
//  2. Keys are found by tenant, then kid. A kid means nothing outside its tenant.
//  3. No claim is looked at before the signature holds: the claims are not even decoded.
//  4. Every refusal of a credential is a [protocol.Refusal] without detail, whose reason is Unauthorized (no token),
//     TokenExpired (it was good until now), UnknownUser (it holds, but the dialect demands a user that the tenant
//     knows), Busy (the tenant's backend could not be asked, or its key set has not come), TooLarge (which names the
//     limit) or InvalidToken (everything else). The finer reason is an [Outcome], for logs and metrics alone.
//  5. A JWT that was verified is remembered until it expires, by a hash and never by itself; expiry and revocation are
//     checked on every call all the same, for every form. New keys take effect at once and forget what the old ones had
//     let in. What a backend says is remembered by package introspection.
//  6. No token and no claim reaches a log or an error. Opaque tokens are compared in constant time and kept as hashes.
//  7. In the [Lobby], where a connection has no tenant yet, each key admits to its own tenant alone.
//
// Expiry: a token is good until exp plus the tenant's leeway, which is there for clocks that differ. Identity.Expires
// is exp itself, and for a token that comes in during its leeway the end of the leeway.
//
// When it was issued does not say whether a token is good: iat is for revocation alone, and one that is ahead of our
// clock by more than MaxLeeway says nothing, so that any revocation of its user covers the token.
//
// Revocation: see [Verifier.Revoke]. It is written to a [Journal], if there is one, before Revoke returns, and known
// again after a restart; without one it ends with the process. In a cluster each node has to be told.
//
// A key that is removed lets nobody in any more, by a token, a cookie or a ticket; who is in stays, until the token
// expires or is revoked. Identity.Key says which key it was.
//
// It asks of its callers that key files, JWKS documents and settings are read elsewhere and handed in. It reads no file
// and no environment; it contacts nothing but the URLs of a tenant's settings: its backend and its key sets.
//
// golang-jwt computes and checks the signatures. Its parser is not used: that decodes the claims before it checks the
// signature, takes the last of two members with one name, and skips line breaks inside base64. JWKS documents are read
// here as well, since they are a dozen members that have to obey the rules above; package jwks fetches them.
//
// It does not know dialects, nor who is connected. Tickets and what it remembers are kept in this process.
//
// [APIKeys] is the other credential, of backends: an opaque key that says which tenant calls.
package auth
