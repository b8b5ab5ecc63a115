// Package auth says who shows a token. It is the only place that knows JWT.
//
// A [Verifier] holds the keys of all tenants and answers one question, Authenticate. It promises:
//
//  1. A key has exactly one algorithm, and a token is checked with a key only under that algorithm. What a token's header
//     asks for can choose among a tenant's keys; it can never add one: headers that carry or point to keys (jku, x5u, jwk,
//     x5c) or change the meaning of the token (crit, b64, enc, zip) are refused, and nothing is ever fetched or opened.
//  2. Keys are found by tenant, then kid. A kid means nothing outside its tenant.
//  3. No claim is looked at before the signature holds: the claims are not even decoded.
//  4. Every refusal is a [protocol.Refusal] without detail, whose reason is Unauthorized (no token), TokenExpired (it was
//     good until now) or InvalidToken (everything else). The finer reason is an [Outcome], for logs and metrics alone.
//  5. A token that was verified is remembered until it expires, by a hash and never by itself; expiry and revocation are
//     checked on every call all the same. New keys take effect at once and forget what the old ones had let in.
//  6. No token and no claim reaches a log or an error.
//
// Expiry: a token is good until exp plus the tenant's leeway, which is there for clocks that differ. Identity.Expires is
// exp itself, and for a token that comes in during its leeway the end of the leeway.
//
// Revocation: see [Verifier.Revoke]. It is kept in this process; in a cluster each node has to be told.
//
// It asks of its callers that key files, JWKS documents and settings are read elsewhere and handed in. It reads no file,
// no environment, and opens no connection.
//
// golang-jwt computes and checks the signatures. Its parser is not used: that decodes the claims before it checks the
// signature, takes the last of two members with one name, and skips line breaks inside base64. JWKS documents are read
// here as well, since they are a dozen members that have to obey the rules above, and what a library would add is
// fetching them.
//
// It does not know tickets, opaque tokens, or who exists: a credential of another form than a JWT is refused here, and
// Claims.Known is asked of a directory by whoever has one, after the token held.
//
// [APIKeys] is the other credential, of backends: an opaque key that says which tenant calls.
package auth
