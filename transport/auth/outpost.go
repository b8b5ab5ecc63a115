package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
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

// outpostTokens are the tokens of a tenant's outposts.
type outpostTokens []outpost

// newOutpostTokens checks the tokens of the settings. A token that the tenant had before keeps its time, so that an
// operator who revoked an outpost can let it in again with a new token, but with none of the old ones.
func newOutpostTokens(given []OutpostToken, before outpostTokens, now time.Time) (outpostTokens, error) {
	if len(given) > MaxOutposts {
		return nil, fmt.Errorf("there are %d tokens of outposts; the limit is %d, so let introspection know them",
			len(given), MaxOutposts)
	}
	known := map[[sha256.Size]byte]outpost{}
	for _, o := range before {
		known[o.hash] = o
	}
	var made outpostTokens
	seen := map[[sha256.Size]byte]bool{}
	for i, token := range given {
		o := outpost{hash: sha256.Sum256([]byte(token.Token)), id: token.Outpost, expires: token.Expires, since: now}
		switch {
		case token.Token == "" || len(token.Token) > MaxAPIKey:
			return nil, fmt.Errorf("token %d of the outposts has %d bytes; 1 to %d are allowed", i+1,
				len(token.Token), MaxAPIKey)
		case token.Outpost != AnyOutpost && protocol.CheckTopic(outpostTopics+token.Outpost) != nil:
			return nil, fmt.Errorf("token %d of the outposts is for %s, which is no uuid of an outpost", i+1,
				protocol.Quote(token.Outpost))
		case seen[o.hash]:
			return nil, fmt.Errorf("token %d of the outposts is there twice; give each outpost tokens of its own", i+1)
		}
		if old, ok := known[o.hash]; ok && old.id == o.id {
			o.since = old.since
		}
		seen[o.hash] = true
		made = append(made, o)
	}
	return made, nil
}

// find looks a token up by its hash. The time that it takes says nothing about the tokens: it compares hashes, each in
// constant time, and always all of them.
func (all outpostTokens) find(hash *[sha256.Size]byte) *outpost {
	found := -1
	for i := range all {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], all[i].hash[:]), i, found)
	}
	if found < 0 {
		return nil
	}
	return &all[found]
}

// checkOutpost checks a token that must belong to the outpost that the credential names. The user is outpost:<uuid>, a
// name by which to revoke, disconnect and find it; nothing is sent to that name.
func checkOutpost(ctx context.Context, a *attempt) (authResult, Outcome) {
	uuid := a.credential.For
	if a.credential.Token == "" || protocol.CheckTopic(outpostTopics+uuid) != nil {
		return a.refuse(decision.TokenForm, BadOutpost)
	}
	id := &protocol.Identity{
		User: "outpost:" + uuid, Topics: []protocol.Pattern{protocol.Pattern(outpostTopics + uuid)},
	}
	owner, o := findOutpost(a.table.tenantsAt(a.tenant), a.credential.Token)
	switch {
	case o != nil && !a.asked.Step(decision.TokenUser, o.id == uuid || o.id == AnyOutpost):
		return authResult{tenant: owner}, BadOutpost
	case o != nil && !a.asked.Step(decision.TokenExpiry, o.expires.IsZero() || a.now.Before(o.expires)):
		return authResult{tenant: owner}, Expired
	case o != nil:
		id.Issued, id.Expires = o.since, o.expires
		return authResult{owner, id}, Accepted
	case a.tenant == nil || !a.tenant.backend.asksAbout(introspection.Outpost):
		return a.refuse(decision.TokenForm, BadOutpost)
	}
	answer, outcome := a.tenant.backend.askOutpost(ctx, uuid, a.credential.Token)
	if outcome == Accepted {
		outcome = a.tenant.applyAnswer(&answer, id, a.now)
	}
	if !a.passes(decision.TokenBackend, outcome) {
		return a.fail(outcome)
	}
	return authResult{a.tenant, id}, Accepted
}

// findOutpost looks a token up among those of the tenants.
func findOutpost(tenants []*tenant, token string) (owner *tenant, found *outpost) {
	hash := sha256.Sum256([]byte(token))
	for _, t := range tenants {
		if o := t.outposts.find(&hash); o != nil {
			owner, found = t, o
		}
	}
	return owner, found
}

// NilOutpost is the outpost that OutpostsOf names for a token that is good for any outpost, since it has to name one.
const NilOutpost = "00000000-0000-0000-0000-000000000000"

// claimedOutpost returns the outpost to which a token claims to belong, "" for none. The token is still to be checked.
func claimedOutpost(ctx context.Context, table *tenantTable, asked *tenant, token string) (string, Outcome) {
	_, found := findOutpost(table.tenantsAt(asked), token)
	switch {
	case found != nil && found.id == AnyOutpost:
		return NilOutpost, Accepted
	case found != nil:
		return found.id, Accepted
	case asked == nil || token == "" || !asked.backend.asksAbout(introspection.Outpost):
		return "", Accepted
	}
	answer, outcome := asked.backend.askOutpost(ctx, "", token)
	if outcome == Unavailable {
		return "", outcome
	}
	return answer.Outpost, Accepted
}
