package auth

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/fairqueue"
)

// attempt is one call of Authenticate.
type attempt struct {
	table      *tenantTable
	tenant     *tenant // that the client asks for; nil for UnresolvedTenant
	credential protocol.Credential
	now        time.Time
	signatures *fairqueue.Queue
}

// authResult is what a check found out: the tenant that the credential belongs to, nil if that is not resolved, and the
// identity, nil if the credential does not hold.
type authResult struct {
	tenant   *tenant
	identity *protocol.Identity
}

// fail returns the outcome without an identity.
func (a *attempt) fail(outcome Outcome) (authResult, Outcome) {
	return authResult{tenant: a.tenant}, outcome
}

// verify checks a token with the keys of the table, from the outside in: syntax, key, signature, and only then the
// claims. Where the tenant is unresolved, the signature decides whose token it is. The verifiedToken names the tenant
// whose key signed the token even if the outcome refuses the token.
//
// Signatures of public keys wait for their turn. The context ends that wait, and then the outcome is Overloaded.
func (a *attempt) verify(ctx context.Context) (*verifiedToken, Outcome) {
	tok, outcome := parse(a.credential.Token)
	if outcome != Accepted {
		return nil, outcome
	}
	candidates, outcome := a.table.candidates(a.tenant, &tok, a.credential.Form)
	if outcome != Accepted {
		return nil, outcome
	}
	var found *verifiedToken
	outcome = BadSignature
	for _, c := range candidates {
		switch outcome := a.checkSignature(ctx, &c, &tok); outcome {
		case Accepted:
		case BadSignature:
			continue
		default:
			return nil, outcome
		}
		found = &verifiedToken{tenant: c.tenant}
		outcome = c.tenant.rules.check(tok.claims, c.key, &a.credential, found, a.now)
		if outcome != BadIssuer { // else another tenant may have this key, for another issuer
			break
		}
	}
	return found, outcome
}

// checkSignature checks a token with one key. With a public key that takes 40 to 400 us of a processor: thousands that
// begin at once would hold up every delivery. With a secret it takes 1 us.
func (a *attempt) checkSignature(ctx context.Context, c *candidate, tok *token) Outcome {
	if !c.key.isSecret() {
		if !a.signatures.Acquire(ctx, c.tenant.name) {
			return Overloaded
		}
		defer a.signatures.Release() // also if a check panics
	}
	if c.key.method.Verify(tok.signed, tok.signature, c.key.check) != nil {
		return BadSignature
	}
	return Accepted
}

// checkUnverified takes the client's word for who it is, if the tenant allows that. Such a client may hear what
// anonymous clients may.
func (a *attempt) checkUnverified() (authResult, Outcome) {
	switch {
	case a.tenant == nil || !a.tenant.allowUnverified || a.credential.Token != "":
		return a.fail(UnsupportedType)
	case protocol.CheckName("user", a.credential.For) != nil:
		return a.fail(BadUser)
	}
	id := &protocol.Identity{User: a.credential.For, Unverified: true, Topics: a.tenant.anonymous}
	return authResult{a.tenant, id}, Unverified
}

// recheck checks what may change while a token is in the cache: revocation, and whether the user still exists.
func (a *attempt) recheck(ctx context.Context, found *authResult, outcome Outcome) Outcome {
	if found.tenant.state.revoked.covers(found.identity, a.now) {
		return Revoked
	}
	if a.credential.Claims.Known {
		if known := found.tenant.checkUser(ctx, found.identity.User); known != Accepted {
			return known
		}
	}
	return outcome
}
