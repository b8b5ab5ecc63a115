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

// outposts is the topic above those of all outposts.
const outpostTopics = "outposts/"

// outpost is a token of an outpost. The token itself is not kept.
type outpost struct {
	hash    [sha256.Size]byte
	id      string
	expires time.Time
	since   time.Time // when it was first seen: what stands in for the iat that it does not have
}

// addOutposts takes the tokens of outposts. One that the tenant had before keeps its time, so that whoever revokes an
// outpost can let it in again with a new token, and with none of the old.
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

// findOutpost looks a token up. The time it takes says nothing about the tokens: hashes are compared, each in constant
// time, and always all of them.
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

// checkOutpost: the token must be of the outpost that it is shown for. Its user is outpost:<uuid>, so that there is a
// name to revoke, to disconnect and to find it by; nothing is sent to that name.
func (v *Verifier) checkOutpost(ctx context.Context, r *tenantTable, at *tenant, credential *protocol.Credential,
	now time.Time) (authResult, Outcome) {
	if credential.Token == "" || protocol.CheckTopic(outpostTopics+credential.For) != nil {
		return authResult{tenant: at}, BadOutpost
	}
	hash := sha256.Sum256([]byte(credential.Token))
	id := &protocol.Identity{User: "outpost:" + credential.For,
		Topics: []protocol.Pattern{protocol.Pattern(outpostTopics + credential.For)}}
	whose, o := at, (*outpost)(nil)
	for _, t := range r.tenantsAt(at) {
		if known := t.findOutpost(&hash); known != nil {
			whose, o = t, known
		}
	}
	found := authResult{tenant: whose}
	switch {
	case o != nil && o.id != credential.For && o.id != AnyOutpost:
		return found, BadOutpost
	case o != nil && !o.expires.IsZero() && !now.Before(o.expires):
		return found, Expired
	case o != nil:
		id.Issued, id.Expires = o.since, o.expires
		found.identity = id
		return found, Accepted
	case at == nil || !at.introspection.AsksAbout(introspection.Outpost):
		return found, BadOutpost
	}
	answer, outcome := at.askOutpost(ctx, credential.For, credential.Token)
	if outcome == Accepted {
		outcome = at.applyAnswer(&answer, id, now)
	}
	if outcome == Accepted {
		found.identity = id
	}
	return found, outcome
}

// askOutpost asks the backend about a token: whether it is of that outpost, or of which one if none is named.
func (t *tenant) askOutpost(ctx context.Context, id, token string) (introspection.Answer, Outcome) {
	answer, outcome := t.askBackend(ctx, introspection.Question{Kind: introspection.Outpost, Outpost: id, Token: token})
	if outcome == Accepted && (!answer.Allow || id != "" && answer.Outpost != "" && answer.Outpost != id) {
		return answer, BadOutpost
	}
	return answer, outcome
}

// NilOutpost is the outpost that a token for any outpost is told to be of, since it has to be of one.
const NilOutpost = "00000000-0000-0000-0000-000000000000"

// OutpostsOf says which outposts a token is for, by uuid. In the Lobby the token says whose it is as well. The error is
// a protocol.Refusal: Forbidden if it is none's, TokenExpired, TooLarge, or Busy if the tenant's backend could not be
// asked.
func (v *Verifier) OutpostsOf(ctx context.Context, tenant, bearer string) ([]string, error) {
	forbidden := &protocol.Refusal{Reason: protocol.Forbidden}
	r := v.table.Load()
	at := r.byName[tenant]
	switch {
	case at == nil && tenant != UnresolvedTenant:
		return nil, forbidden
	case len(bearer) > protocol.MaxToken:
		return nil, TooLarge.refusal()
	}
	uuid, outcome := r.outpostOf(ctx, at, bearer)
	if outcome != Accepted {
		return nil, outcome.refusal()
	}
	_, err := v.Authenticate(ctx, tenant, protocol.Credential{Form: protocol.Outpost, Token: bearer, For: uuid})
	switch why := protocol.AsRefusal(err); {
	case why == nil:
		return []string{uuid}, nil
	case why.Reason == protocol.InvalidToken:
		return nil, forbidden
	default:
		return nil, why
	}
}

// outpostOf is the outpost that a token says it is of, "" for none. The token is still to be checked.
func (r *tenantTable) outpostOf(ctx context.Context, at *tenant, token string) (string, Outcome) {
	hash := sha256.Sum256([]byte(token))
	uuid := ""
	for _, t := range r.tenantsAt(at) {
		if o := t.findOutpost(&hash); o != nil {
			uuid = o.id
		}
	}
	switch {
	case uuid == AnyOutpost:
		return NilOutpost, Accepted
	case uuid != "" || at == nil || token == "" || !at.introspection.AsksAbout(introspection.Outpost):
		return uuid, Accepted
	}
	answer, outcome := at.askOutpost(ctx, "", token)
	if outcome == Unavailable {
		return "", outcome
	}
	return answer.Outpost, Accepted
}
