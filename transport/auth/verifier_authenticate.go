package auth

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// Authenticate says who shows the credential to a tenant, or to UnresolvedTenant. The error is a protocol.Refusal:
// Unauthorized, TokenExpired, InvalidToken, UnknownUser, TooLarge (with the limit as detail; the others have none), or
// Busy if the tenant's backend could not be asked, its key set has not been fetched, or too many signatures wait to be
// checked. The identity belongs to the caller, except for its Topics, which are shared and must not be changed; its
// Tenant is set for UnresolvedTenant only.
//
// It may block for the Budget of the tenant's introspection, for a fetch of the tenant's key set if the token names an
// unknown key, and for Config.SignatureWait before each signature of a public key; it gives up when the context ends.
func (v *Verifier) Authenticate(
	ctx context.Context, tenant string, credential protocol.Credential,
) (*protocol.Identity, error) {
	return v.Ask(ctx, tenant, credential, nil)
}

// Ask is Authenticate. If asked is not nil it records the rules: it counts and logs nothing, and a ticket stays good.
func (v *Verifier) Ask(
	ctx context.Context, tenant string, credential protocol.Credential, asked *decision.Record,
) (*protocol.Identity, error) {
	table := v.tenants.table.Load()
	a := attempt{table: table, tenant: table.byName[tenant], credential: credential, now: v.now(),
		signatures: v.checks, asked: asked, before: asked.Len()}
	if !asked.Step(decision.TokenTenant, a.tenant != nil || tenant == UnresolvedTenant) {
		v.outcomes.record(ctx, &v.unresolved, tenant, UnknownTenant, &a)
		return nil, UnknownTenant.refusal()
	}
	found, outcome := v.decide(ctx, &a)
	if a.tenant == nil && asked != nil && (found.tenant == nil || found.tenant.name != asked.Tenant) {
		return nil, v.explainToStranger(ctx, a)
	}
	state := &v.unresolved
	if found.tenant != nil {
		state, tenant = found.tenant.state, found.tenant.name
	}
	v.outcomes.record(ctx, state, tenant, outcome, &a)
	if !outcome.admits() {
		return nil, outcome.refusal()
	}
	if a.tenant == nil {
		found.identity.Tenant = tenant
	}
	return found.identity, nil
}

// decide checks the credential, and what may have changed since a token came into the cache.
func (v *Verifier) decide(ctx context.Context, a *attempt) (authResult, Outcome) {
	found, outcome := v.check(ctx, a)
	if outcome.admits() {
		outcome = a.recheck(ctx, &found, outcome)
	}
	return found, outcome
}

// explainToStranger records, of a credential that was shown to UnresolvedTenant and is not of the tenant that asks,
// what that tenant's keys say about it.
func (v *Verifier) explainToStranger(ctx context.Context, a attempt) error {
	a.asked.Truncate(a.before)
	a.tenant = a.table.byName[a.asked.Tenant]
	if a.tenant != nil {
		if _, outcome := v.decide(ctx, &a); !outcome.admits() {
			return outcome.refusal()
		}
	}
	a.asked.Step(decision.TokenTenant, false)
	return UnknownTenant.refusal()
}

// IdentityOf returns the identity that a token of the user gives which names no topics, where it is shown to asked: the
// tenant or UnresolvedTenant. It is nil where such a token is not taken.
func (v *Verifier) IdentityOf(asked, tenant, user string) *protocol.Identity {
	t := v.tenants.table.Load().byName[tenant]
	id := &protocol.Identity{User: user, Issued: v.now()}
	switch {
	case t == nil:
		return nil
	case asked == UnresolvedTenant && t.allowUnresolved:
		id.Tenant = tenant
	case asked != tenant:
		return nil
	}
	id.Topics = t.rules.topics
	return id
}

// AskUser asks whether the tenant knows a user, as it is asked for dialects that demand it.
func (v *Verifier) AskUser(ctx context.Context, tenant, user string, asked *decision.Record) *protocol.Refusal {
	t := v.tenants.table.Load().byName[tenant]
	if t == nil {
		return UnknownTenant.refusal()
	}
	known := t.checkUser(ctx, user)
	if !asked.Step(decision.UserKnown, known == Accepted) {
		return known.refusal()
	}
	return nil
}

// check checks the credential by its type.
func (v *Verifier) check(ctx context.Context, a *attempt) (authResult, Outcome) {
	if !a.asked.Step(decision.TokenSize, len(a.credential.Token) <= protocol.MaxToken) {
		return a.fail(TooLarge)
	}
	switch a.credential.Form {
	case protocol.Token:
		return v.tokens.check(ctx, a)
	case protocol.Cookie:
		return checkCookie(ctx, a, v.tokens)
	case protocol.Ticket:
		return v.tickets.check(a)
	case protocol.Outpost:
		return checkOutpost(ctx, a)
	case protocol.AppKey:
		return checkAppKey(a)
	case protocol.Signed:
		return checkSigned(a)
	case protocol.Unverified:
		return a.checkUnverified()
	}
	return a.refuse(decision.TokenForm, UnsupportedType)
}

// OutpostsOf returns the uuids of the outposts that a token is for. With UnresolvedTenant, the token also decides the
// tenant. The error is a protocol.Refusal: Forbidden if the token is for no outpost, TokenExpired, TooLarge, or Busy if
// the tenant's backend could not be asked. It may block as Authenticate does.
func (v *Verifier) OutpostsOf(ctx context.Context, tenant, bearer string) ([]string, error) {
	forbidden := &protocol.Refusal{Reason: protocol.Forbidden}
	table := v.tenants.table.Load()
	asked := table.byName[tenant]
	switch {
	case asked == nil && tenant != UnresolvedTenant:
		return nil, forbidden
	case len(bearer) > protocol.MaxToken:
		return nil, TooLarge.refusal()
	}
	uuid, outcome := claimedOutpost(ctx, table, asked, bearer)
	if outcome != Accepted {
		return nil, outcome.refusal()
	}
	_, err := v.Authenticate(ctx, tenant, protocol.Credential{Form: protocol.Outpost, Token: bearer, For: uuid})
	switch refusal := protocol.AsRefusal(err); {
	case refusal == nil:
		return []string{uuid}, nil
	case refusal.Reason == protocol.InvalidToken:
		return nil, forbidden
	default:
		return nil, refusal
	}
}

// Authorize says whether an identity of the tenant may hear a topic. The identity's patterns decide, and where the
// tenant's introspection has a pattern for the topic, also the backend's answer for this user and topic. The engine
// asks when a client subscribes; it takes Revoke or a disconnect to end a right that the backend takes back later.
//
// Authorize asks about a topic above such a pattern as well, since its subscribers hear everything below it.
//
// nil allows. The error is a protocol.Refusal: Forbidden, or Busy if the backend could not be asked. It may block for
// the Budget of the tenant's introspection.
func (v *Verifier) Authorize(ctx context.Context, tenant string, id *protocol.Identity, topic string) error {
	if tenant == UnresolvedTenant && id != nil {
		tenant = id.Tenant
	}
	t := v.tenants.table.Load().byName[tenant]
	if t == nil || id == nil || id.Tenant != "" && id.Tenant != tenant || !id.May(topic) {
		return protocol.Refuse(protocol.Forbidden, "the token does not grant %s", protocol.Quote(topic))
	}
	if !t.backend.asksAboutTopic(topic) {
		return nil
	}
	if id.User == "" {
		return protocol.Refuse(protocol.Forbidden, "%s is for users alone", protocol.Quote(topic))
	}
	answer, outcome := t.backend.ask(ctx,
		introspection.Question{Kind: introspection.Access, User: id.User, Topic: topic})
	if outcome != Accepted {
		return outcome.refusal()
	}
	if !answer.Allow {
		return protocol.Refuse(protocol.Forbidden, "the user may not hear %s", protocol.Quote(topic))
	}
	return nil
}
