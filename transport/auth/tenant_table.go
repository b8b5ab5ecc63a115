package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// UnresolvedTenant stands for the tenant of a connection whose Host and listener belong to several tenants, or to none.
// (The settings call such a place the lobby.) The credential then decides whose the connection is. For a JWT, in a
// token or a cookie, its signature decides, among the keys with its kid and algorithm of the tenants that allow this;
// each key speaks for its own tenant only, whatever else the token says. If two tenants have the same key, the issuer
// decides between them. A ticket and an outpost's token belong to one tenant. Opaque session keys are refused here, and
// so are clients that show nothing.
const UnresolvedTenant = "\x00lobby"

// maxTriedUnresolved bounds the signatures that are computed for one token of an unresolved tenant, over all tenants.
// Only tokens without kid can reach it; the tenants beyond it, in the order of their names, need a kid in their tokens.
const maxTriedUnresolved = 16

// tenantTable holds all tenants at one time. It is never changed.
type tenantTable struct {
	byName     map[string]*tenant
	unresolved []*tenant // that admit connections of an unresolved tenant, by name
}

// newTenantTable refuses tenants that admit connections of an unresolved tenant and could not be told apart.
func newTenantTable(byName map[string]*tenant) (*tenantTable, error) {
	table := &tenantTable{byName: byName}
	for _, t := range byName {
		if t.allowUnresolved {
			table.unresolved = append(table.unresolved, t)
		}
	}
	slices.SortFunc(table.unresolved, func(a, b *tenant) int { return strings.Compare(a.name, b.name) })
	return table, errors.Join(table.checkKeys(), table.checkOutposts(), table.checkApps())
}

func (table *tenantTable) checkKeys() error {
	type owner struct {
		tenant *tenant
		issuer string
	}
	var problems []error
	owners := map[[sha256.Size]byte][]owner{}
	for _, t := range table.unresolved {
		for i, k := range append(slices.Clone(t.keys.all), t.cookies.all...) {
			hash, issuer := k.hash(), k.issuer
			if i >= len(t.keys.all) {
				issuer = "" // all sessions have one issuer
			}
			for _, o := range owners[hash] {
				if o.tenant != t && (issuer == "" || o.issuer == "" || issuer == o.issuer) {
					problems = append(problems, fmt.Errorf("tenant %s: has a key of tenant %s; in the lobby a key "+
						"says whose a token is, so give each its own, or an issuer of its own",
						protocol.Quote(t.name), protocol.Quote(o.tenant.name)))
				}
			}
			owners[hash] = append(owners[hash], owner{t, issuer})
		}
	}
	return errors.Join(problems...)
}

func (table *tenantTable) checkOutposts() error {
	var problems []error
	owners := map[[sha256.Size]byte]*tenant{}
	for _, t := range table.unresolved {
		for i := range t.outposts {
			hash := t.outposts[i].hash
			if o := owners[hash]; o != nil && o != t {
				problems = append(problems, fmt.Errorf("tenant %s: has a token of an outpost of tenant %s; in the "+
					"lobby it says whose the outpost is, so give each its own",
					protocol.Quote(t.name), protocol.Quote(o.name)))
			}
			owners[hash] = t
		}
	}
	return errors.Join(problems...)
}

// tenantsAt returns the tenants that a credential may belong to if it was shown to the tenant asked, nil for
// unresolved.
func (table *tenantTable) tenantsAt(asked *tenant) []*tenant {
	if asked != nil {
		return []*tenant{asked}
	}
	return table.unresolved
}

// keySet returns the key set of a tenant at a URL; nil if there is no such tenant or key set.
func (table *tenantTable) keySet(name, url string) *remoteKeySet {
	if t := table.byName[name]; t != nil {
		return t.remote.find(url)
	}
	return nil
}

// candidate is a key that may have signed a token, and the key's tenant.
type candidate struct {
	tenant *tenant
	key    *key
}

// candidates returns the keys that a token may be checked with.
func (table *tenantTable) candidates(
	asked *tenant, tok *token, credentialType protocol.CredentialType,
) ([]candidate, Outcome) {
	var all []candidate
	outcome := UnknownKey
	for _, t := range table.tenantsAt(asked) {
		ring := &t.keys
		if credentialType == protocol.Cookie {
			ring = &t.cookies
		}
		keys, found := ring.matching(tok)
		if found != Accepted {
			outcome = found
		}
		for _, k := range keys {
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
