// Package auth decides who shows a credential, and what that identity may hear. It is the only package that knows JWT.
//
// A [Verifier] holds the keys of all tenants and answers two questions: Authenticate and Authorize. A client shows a
// credential of one of these types:
//
//	JWT         signed with a key of the tenant; the tenant's and the dialect's rules decide about its claims
//	ticket      one of [Tickets], issued to the bearer of a JWT: for one use within 30 s in the same tenant,
//	            and for no longer than the JWT
//	cookie      an authentik session: a JWT signed with keys of its own (see [CookieRules]), or a session key
//	            that the tenant's backend knows
//	outpost     an opaque token from the settings, or one that the backend knows, bound to one outpost
//	app key     the public key of an app, which names the tenant and admits nobody in particular
//	signed      a text that an app has signed with its secret for this client
//	unverified  only a user's name, for tenants that allow it
//
// Verifier is the front door and holds the parts, each in the file of its name: tenantRegistry has the tenants, which
// a tenantBuilder makes of their settings, and follows their key sets; tokenVerifier verifies JWTs and remembers them;
// Tickets, backend, outpostTokens, apps and the rules for cookies are behind the other credentials; revocationList
// keeps what was revoked, tokenSigner signs, and outcomeLog counts and logs. An attempt is one call of Authenticate.
//
// It promises:
//
//  1. A key has exactly one algorithm, and a token is checked with a key only under that algorithm. A token's header
//     can choose among the tenant's keys but never add one. Verifier refuses headers that carry or point to keys (jku,
//     x5u, jwk, x5c) or change the token's meaning (crit, b64, enc, zip), and never fetches or opens what they name. An
//     unknown kid makes it fetch the tenant's own key set, from the URL in the settings, at most once in 30 s.
//  2. Keys are found by tenant, then by kid. A kid means nothing outside its tenant.
//  3. No claim is looked at before the signature holds: the claims are not even decoded.
//  4. Every refusal of a credential is a [protocol.Refusal] without detail, whose reason is Unauthorized (no token),
//     TokenExpired (it was good until now), UnknownUser (the token holds, but the dialect demands a user that the
//     tenant knows), Busy (the tenant's backend could not be asked, its key set has not been fetched yet, or too many
//     signatures wait to be checked), TooLarge (the one with a detail: the limit) or InvalidToken (everything else).
//     The finer reason is an [Outcome], for logs and metrics only.
//  5. A verified JWT is cached until it expires, under a hash and never in plain text. Expiry and revocation are
//     checked on every call all the same, for every type of credential. New keys take effect at once and drop the
//     cached tokens of the old ones. Package introspection caches the backend's answers.
//  6. No token and no claim reaches a log or an error. Opaque tokens are kept as hashes and compared in constant time.
//  7. Signatures of public keys are checked on a bounded share of the processors, whatever comes in, and the tenants
//     take turns: neither a storm of logins nor a flood of forgeries holds up deliveries or another tenant's logins.
//  8. Where a connection has no tenant yet ([UnresolvedTenant]), each key admits to its own tenant only.
//
// Expiry: a token is good until exp plus the tenant's leeway, which allows for clocks that differ. Identity.Expires is
// exp itself; for a token that arrives during its leeway it is the end of the leeway.
//
// The time of issue does not decide whether a token is good: iat is for revocation only. An iat that is ahead of our
// clock by more than MaxLeeway says nothing, so any revocation of the user covers that token.
//
// Revocation: see [Verifier.Revoke]. Revoke writes to the [Journal], if there is one, before it returns, and New reads
// the journal after a restart. Without a journal, revocations end with the process. In a cluster, each node has to be
// told.
//
// A removed key admits nobody any more, by a token, a cookie or a ticket. Connections that it admitted stay until their
// token expires or is revoked. Identity.Key names the key.
//
// It asks its callers to read key files, JWKS documents and settings elsewhere and to hand them in. It reads no file
// and no environment, and it contacts only the URLs of a tenant's settings: the tenant's backend and its key sets.
//
// golang-jwt computes and checks the signatures. Its parser is not used, because it decodes the claims before it checks
// the signature, takes the last of two members with one name, and skips line breaks inside base64. This package also
// reads JWKS documents, since these have a dozen members that must obey the rules above; package jwks fetches them.
//
// It does not know dialects or who is connected. Tickets and cached tokens stay in this process.
//
// [APIKeys] is for the other kind of credential, that of backends: an opaque key that says which tenant calls.
package auth
