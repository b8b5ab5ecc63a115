package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// outpostTopics is the prefix of the topics of all outposts.
const outpostTopics = "outposts/"

// outpost is a token of an outpost, without the token itself.
type outpost struct {
	hash    [sha256.Size]byte
	id      string
	expires time.Time
	since   time.Time // when the settings first had it; it stands for the iat that such a token lacks
}

// addOutposts adds the tokens of outposts. A token that the tenant had before keeps its time, so that an operator who
// revoked an outpost can let it in again with a new token, but with none of the old ones.
func (t *tenant) addOutposts(tokens []OutpostToken, before *tenant, now time.Time) error {
	if len(tokens) > MaxOutposts {
		return fmt.Errorf("there are %d tokens of outposts; the limit is %d, so let introspection know them",
			len(tokens), MaxOutposts)
	}
	known := map[[sha256.Size]byte]outpost{}
	if before != nil {
		for _, o := range before.outposts {
			known[o.hash] = o
		}
	}
	seen := map[[sha256.Size]byte]bool{}
	for i, given := range tokens {
		o := outpost{hash: sha256.Sum256([]byte(given.Token)), id: given.Outpost, expires: given.Expires, since: now}
		switch {
		case given.Token == "" || len(given.Token) > MaxAPIKey:
			return fmt.Errorf("token %d of the outposts has %d bytes; 1 to %d are allowed", i+1, len(given.Token),
				MaxAPIKey)
		case given.Outpost != AnyOutpost && protocol.CheckTopic(outpostTopics+given.Outpost) != nil:
			return fmt.Errorf("token %d of the outposts is for %s, which is no uuid of an outpost", i+1,
				protocol.Quote(given.Outpost))
		case seen[o.hash]:
			return fmt.Errorf("token %d of the outposts is there twice; give each outpost tokens of its own", i+1)
		}
		if old, ok := known[o.hash]; ok && old.id == o.id {
			o.since = old.since
		}
		seen[o.hash] = true
		t.outposts = append(t.outposts, o)
	}
	return nil
}

// findOutpost looks a token up. The time that it takes says nothing about the tokens: it compares hashes, each in
// constant time, and always all of them.
func (t *tenant) findOutpost(hash *[sha256.Size]byte) *outpost {
	found := -1
	for i := range t.outposts {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], t.outposts[i].hash[:]), i, found)
	}
	if found < 0 {
		return nil
	}
	return &t.outposts[found]
}

// checkOutpost checks a token that must belong to the outpost that the credential names. The user is outpost:<uuid>, a
// name by which to revoke, disconnect and find it; nothing is sent to that name.
func (v *Verifier) checkOutpost(ctx context.Context, a *attempt) (authResult, Outcome) {
	uuid := a.credential.For
	if a.credential.Token == "" || protocol.CheckTopic(outpostTopics+uuid) != nil {
		return a.fail(BadOutpost)
	}
	id := &protocol.Identity{
		User: "outpost:" + uuid, Topics: []protocol.Pattern{protocol.Pattern(outpostTopics + uuid)},
	}
	owner, o := a.table.findOutpost(a.tenant, a.credential.Token)
	switch {
	case o != nil && o.id != uuid && o.id != AnyOutpost:
		return authResult{tenant: owner}, BadOutpost
	case o != nil && !o.expires.IsZero() && !a.now.Before(o.expires):
		return authResult{tenant: owner}, Expired
	case o != nil:
		id.Issued, id.Expires = o.since, o.expires
		return authResult{owner, id}, Accepted
	case a.tenant == nil || !a.tenant.introspection.AsksAbout(introspection.Outpost):
		return a.fail(BadOutpost)
	}
	answer, outcome := a.tenant.askOutpost(ctx, uuid, a.credential.Token)
	if outcome == Accepted {
		outcome = a.tenant.applyAnswer(&answer, id, a.now)
	}
	if outcome != Accepted {
		return a.fail(outcome)
	}
	return authResult{a.tenant, id}, Accepted
}

// findOutpost looks a token up among those of the tenant asked, or of all that admit an unresolved tenant's
// connections.
func (table *tenantTable) findOutpost(asked *tenant, token string) (owner *tenant, found *outpost) {
	hash := sha256.Sum256([]byte(token))
	for _, t := range table.tenantsAt(asked) {
		if o := t.findOutpost(&hash); o != nil {
			owner, found = t, o
		}
	}
	return owner, found
}

// askOutpost asks the backend whether a token belongs to the outpost id or, if id is "", to which outpost it belongs.
func (t *tenant) askOutpost(ctx context.Context, id, token string) (introspection.Answer, Outcome) {
	answer, outcome := t.askBackend(ctx, introspection.Question{Kind: introspection.Outpost, Outpost: id, Token: token})
	if outcome == Accepted && (!answer.Allow || id != "" && answer.Outpost != "" && answer.Outpost != id) {
		return answer, BadOutpost
	}
	return answer, outcome
}

// NilOutpost is the outpost that OutpostsOf names for a token that is good for any outpost, since it has to name one.
const NilOutpost = "00000000-0000-0000-0000-000000000000"

// OutpostsOf returns the uuids of the outposts that a token is for. With UnresolvedTenant, the token also decides the
// tenant. The error is a protocol.Refusal: Forbidden if the token is for no outpost, TokenExpired, TooLarge, or Busy if
// the tenant's backend could not be asked. It may block as Authenticate does.
func (v *Verifier) OutpostsOf(ctx context.Context, tenant, bearer string) ([]string, error) {
	forbidden := &protocol.Refusal{Reason: protocol.Forbidden}
	table := v.table.Load()
	asked := table.byName[tenant]
	switch {
	case asked == nil && tenant != UnresolvedTenant:
		return nil, forbidden
	case len(bearer) > protocol.MaxToken:
		return nil, TooLarge.refusal()
	}
	uuid, outcome := table.outpostOf(ctx, asked, bearer)
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

// outpostOf returns the outpost to which a token claims to belong, "" for none. The token is still to be checked.
func (table *tenantTable) outpostOf(ctx context.Context, asked *tenant, token string) (string, Outcome) {
	_, found := table.findOutpost(asked, token)
	switch {
	case found != nil && found.id == AnyOutpost:
		return NilOutpost, Accepted
	case found != nil:
		return found.id, Accepted
	case asked == nil || token == "" || !asked.introspection.AsksAbout(introspection.Outpost):
		return "", Accepted
	}
	answer, outcome := asked.askOutpost(ctx, "", token)
	if outcome == Unavailable {
		return "", outcome
	}
	return answer.Outpost, Accepted
}
