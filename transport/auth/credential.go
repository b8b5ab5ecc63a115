package auth

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// finding is what became of a check: whose credential it is, nil if it is nobody's in the lobby, and who showed it, nil
// if it does not hold.
type finding struct {
	whose    *tenant
	identity *protocol.Identity
}

// check asks by the form of what is shown. at is nil in the lobby.
func (v *Verifier) check(ctx context.Context, r *roster, at *tenant, shown *protocol.Credential, now time.Time) (finding, Outcome) {
	if len(shown.Token) > protocol.MaxToken {
		return finding{whose: at}, TooLarge
	}
	switch shown.Form {
	case protocol.Token:
		return v.checkToken(ctx, r, at, shown, now)
	case protocol.Cookie:
		return v.checkCookie(ctx, r, at, shown, now)
	case protocol.Ticket:
		return v.checkTicket(r, at, shown, now)
	case protocol.Outpost:
		return v.checkOutpost(ctx, r, at, shown, now)
	case protocol.Unproven:
		return checkUnproven(at, shown)
	}
	return finding{whose: at}, OtherForm
}

// recheck asks what may change while a credential is remembered.
func (v *Verifier) recheck(ctx context.Context, found *finding, shown *protocol.Credential, outcome Outcome, now time.Time) Outcome {
	if found.whose.account.revoked.covers(found.identity, now) {
		return Revoked
	}
	if shown.Claims.Known {
		if known := found.whose.exists(ctx, found.identity.User); known != Accepted {
			return known
		}
	}
	return outcome
}

// checkToken: a JWT, or none where the dialect lets a client in without.
func (v *Verifier) checkToken(ctx context.Context, r *roster, at *tenant, shown *protocol.Credential, now time.Time) (finding, Outcome) {
	switch {
	case shown.For != "":
		return finding{whose: at}, OtherForm
	case shown.Token == "" && shown.Claims.Anonymous && at != nil:
		return finding{at, &protocol.Identity{Topics: at.anonymous}}, Anonymous
	case shown.Token == "":
		return finding{whose: at}, NoToken
	}
	known, outcome := v.verdict(ctx, r, at, shown, now)
	if !outcome.admits() {
		return known.finding(at, nil), outcome
	}
	return known.finding(at, known.at(now)), outcome
}

// checkUnproven: the tenant must want it, and then a client is who it says it is. It may hear what anybody may.
func checkUnproven(at *tenant, shown *protocol.Credential) (finding, Outcome) {
	switch {
	case at == nil || !at.unproven || shown.Token != "":
		return finding{whose: at}, OtherForm
	case protocol.CheckName("user", shown.For) != nil:
		return finding{whose: at}, BadUser
	}
	return finding{at, &protocol.Identity{User: shown.For, Unproven: true, Topics: at.anonymous}}, Unproven
}

// verdict returns what is known of a JWT, from memory or anew. One that does not hold has none.
func (v *Verifier) verdict(ctx context.Context, r *roster, at *tenant, shown *protocol.Credential, now time.Time) (*verdict, Outcome) {
	where := Lobby
	if at != nil {
		where = at.name
	}
	mark := fingerprintOf(where, shown)
	known, outcome := v.cache.find(mark, r), Cached
	if known == nil {
		if known, outcome = v.verify(ctx, r, at, shown, now); outcome != Accepted {
			return known, outcome
		}
		known.tenant.account.seen(known, now)
		v.cache.keep(mark, known)
	}
	if known.hasExpired(now) {
		v.cache.forget(mark)
		return known, Expired
	}
	return known, outcome
}
