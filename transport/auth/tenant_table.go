package auth

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Lobby is where a connection stands that comes without a tenant: its Host and listener are those of several. What it
// shows says whose it is. For a token or a cookie with a JWT the signature decides, among the keys of the tenants in
// the lobby that have its kid and algorithm; each key speaks for its own tenant, whatever else the token says. If two
// tenants have one key, the issuer decides between them. Tickets and the tokens of outposts are their tenant's. Opaque
// session keys, and clients that show nothing, are nobody's here.
const UnresolvedTenant = "\x00lobby"

// maxTriedInLobby bounds the signatures that are computed for one token in the lobby, over all tenants. It is reached
// by tokens without kid alone; the tenants behind it, by name, then need a kid in theirs.
const maxTriedUnresolved = 16

// roster are all tenants at one time. It is never changed.
type tenantTable struct {
	byName     map[string]*tenant
	unresolved []*tenant // by name
}

// newRoster refuses tenants in the lobby that could not be told apart.
func newTenantTable(byName map[string]*tenant) (*tenantTable, error) {
	r := &tenantTable{byName: byName}
	for _, t := range byName {
		if t.allowUnresolved {
			r.unresolved = append(r.unresolved, t)
		}
	}
	slices.SortFunc(r.unresolved, func(a, b *tenant) int { return strings.Compare(a.name, b.name) })
	return r, errors.Join(r.checkKeys(), r.checkOutposts())
}

func (r *tenantTable) checkKeys() error {
	type owner struct {
		tenant *tenant
		issuer string
	}
	var problems []error
	owners := map[[sha256.Size]byte][]owner{}
	for _, t := range r.unresolved {
		for i, k := range append(slices.Clone(t.keys.all), t.cookies.all...) {
			hash, issuer := k.hash(), k.issuer
			if i >= len(t.keys.all) {
				issuer = "" // all sessions have one issuer
			}
			for _, o := range owners[hash] {
				if o.tenant != t && (issuer == "" || o.issuer == "" || issuer == o.issuer) {
					problems = append(problems,
						fmt.Errorf(
							"tenant %s: has a key of tenant %s; in the lobby a key says whose a token is, so give "+
								"each its own, or an issuer of its own",
							protocol.Quote(t.name), protocol.Quote(o.tenant.name)))
				}
			}
			owners[hash] = append(owners[hash], owner{t, issuer})
		}
	}
	return errors.Join(problems...)
}

func (r *tenantTable) checkOutposts() error {
	var problems []error
	owners := map[[sha256.Size]byte]*tenant{}
	for _, t := range r.unresolved {
		for i := range t.outposts {
			hash := t.outposts[i].hash
			if o := owners[hash]; o != nil && o != t {
				problems = append(problems,
					fmt.Errorf(
						"tenant %s: has a token of an outpost of tenant %s; in the lobby it says whose the outpost "+
							"is, so give each its own",
						protocol.Quote(t.name), protocol.Quote(o.name)))
			}
			owners[hash] = t
		}
	}
	return errors.Join(problems...)
}

// hash is the same for keys that accept the same signatures, and says nothing about a secret to whoever reads it.
func (k *key) hash() [sha256.Size]byte {
	if secret, ok := k.check.([]byte); ok {
		return sha256.Sum256(append([]byte("secret "), secret...))
	}
	der, _ := x509.MarshalPKIXPublicKey(k.check) // newKey let no other kind in
	return sha256.Sum256(append([]byte("public "), der...))
}

// askedAt are the tenants that something shown at a tenant may be of; at is nil in the lobby.
func (r *tenantTable) tenantsAt(at *tenant) []*tenant {
	if at != nil {
		return []*tenant{at}
	}
	return r.unresolved
}

// claimant is a key that may have signed a token, and the tenant that it speaks for.
type candidate struct {
	tenant *tenant
	key    *key
}

// claimants are the keys that a token may be checked with.
func (r *tenantTable) candidates(at *tenant, tok *token, form protocol.Form) ([]candidate, Outcome) {
	var all []candidate
	outcome := UnknownKey
	for _, t := range r.tenantsAt(at) {
		ring := &t.keys
		if form == protocol.Cookie {
			ring = &t.cookies
		}
		candidates, why := ring.matching(tok)
		if why != Accepted {
			outcome = why
		}
		for _, k := range candidates {
			if len(all) < maxTriedUnresolved {
				all = append(all, candidate{t, k})
			}
		}
	}
	if len(all) == 0 {
		return nil, outcome
	}
	return all, Accepted
}
