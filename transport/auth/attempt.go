package auth

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/transport/fairqueue"
)

// attempt is one call of Authenticate.
type attempt struct {
	table      *tenantTable
	tenant     *tenant // that the client asks for; nil for UnresolvedTenant
	credential protocol.Credential
	now        time.Time
	signatures *fairqueue.Queue
	asked      *decision.Record // nil for a login; with it, nothing is counted, cached or used up
	before     int              // how many steps asked had before the credential's
}

// passes records a rule, and reports whether the outcome lets the credential pass.
func (a *attempt) passes(rule decision.Rule, outcome Outcome) bool {
	return a.asked.Step(rule, outcome == Accepted)
}

// authResult is what a check found out: the tenant that the credential belongs to, nil if that is not resolved, and the
// identity, nil if the credential does not hold.
type authResult struct {
	tenant   *tenant
	identity *protocol.Identity
}

// refuse records the rule that refuses, and returns its outcome without an identity.
func (a *attempt) refuse(rule decision.Rule, outcome Outcome) (authResult, Outcome) {
	a.asked.Step(rule, false)
	return a.fail(outcome)
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
	if !a.passes(decision.TokenSyntax, outcome) {
		return nil, outcome
	}
	candidates, outcome := a.table.candidates(a.tenant, &tok, a.credential.Form)
	if !a.passes(decision.TokenKey, outcome) {
		return nil, outcome
	}
	var found *verifiedToken
	outcome = BadSignature
	for i, c := range candidates {
		signed := a.checkSignature(ctx, &c, &tok)
		if signed != BadSignature || i == len(candidates)-1 && found == nil {
			a.asked.Index(decision.TokenSignature, c.key.number, c.key.method.Alg(), signed == Accepted)
		}
		switch signed {
		case Accepted:
		case BadSignature:
			continue
		default:
			return nil, signed
		}
		found = &verifiedToken{tenant: c.tenant}
		outcome = c.tenant.rules.check(tok.claims, c.key, a, found)
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
		return a.refuse(decision.TokenForm, UnsupportedType)
	case protocol.CheckName("user", a.credential.For) != nil:
		return a.refuse(decision.TokenUser, BadUser)
	}
	id := &protocol.Identity{User: a.credential.For, Unverified: true, Topics: a.tenant.anonymous}
	return authResult{a.tenant, id}, Unverified
}

// recheck checks what may change while a token is in the cache: revocation, and whether the user still exists.
func (a *attempt) recheck(ctx context.Context, found *authResult, outcome Outcome) Outcome {
	if !a.asked.Step(decision.TokenRevoked, !found.tenant.state.revoked.covers(found.identity, a.now)) {
		return Revoked
	}
	if a.credential.Claims.Known {
		if known := found.tenant.checkUser(ctx, found.identity.User); !a.passes(decision.UserKnown, known) {
			return known
		}
	}
	return outcome
}
