package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// MaxApps bounds the apps of a tenant.
const MaxApps = 1000

// App is a public key, which clients show, and a secret with which a backend signs what one of them may do.
type App struct {
	// ID names the app in the HTTP API, Key in the clients; both are unique among all tenants.
	ID, Key string
	// Secret has 1 to MaxAPIKey bytes; it should be random.
	Secret string
	// Topics are the patterns of clients that show the key alone; nil and empty as for TenantKeys.Topics.
	Topics []string
	// Publish are the patterns of topics to which such clients may publish; nil is none.
	Publish []protocol.Pattern
}

// String keeps secrets out of logs and messages.
func (a App) String() string { return "[app " + protocol.Quote(a.ID) + "]" }

// GoString keeps secrets out of %#v.
func (a App) GoString() string { return a.String() }

// app is an App that was checked.
type app struct {
	id, key     string
	secret      []byte
	topics      []protocol.Pattern // those to publish to as well
	fingerprint protocol.KeyFingerprint
}

// newApps checks the apps of a tenant's settings.
func newApps(given []App) (made []app, err error) {
	if len(given) > MaxApps {
		return nil, fmt.Errorf("there are %d; the limit is %d", len(given), MaxApps)
	}
	for i, g := range given {
		switch {
		case !isAppName(g.ID) || !isAppName(g.Key):
			return nil, fmt.Errorf("app %d needs an id and a key of up to %d letters, digits, - and _", i+1,
				maxAppName)
		case g.Secret == "" || len(g.Secret) > MaxAPIKey:
			return nil, fmt.Errorf("app %d has a secret of %d bytes; 1 to %d are allowed", i+1, len(g.Secret),
				MaxAPIKey)
		}
		a := app{id: g.ID, key: g.Key, secret: []byte(g.Secret)}
		if a.topics, err = patterns(g.Topics); err != nil {
			return nil, fmt.Errorf("app %d: topics: %w", i+1, err)
		}
		for _, p := range g.Publish {
			a.topics = append(a.topics, protocol.PublishTo(p))
		}
		sum := sha256.Sum256([]byte("app\x00" + g.Key + "\x00" + g.Secret))
		a.fingerprint = protocol.KeyFingerprint(sum[:])
		made = append(made, a)
	}
	return made, nil
}

const maxAppName = 64

// isAppName reports whether a text can stand in a path as the id or the key of an app.
func isAppName(text string) bool {
	return text != "" && len(text) <= maxAppName && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// checkApps refuses an id or a key that two apps have: it has to say which app is meant.
func (table *tenantTable) checkApps() error {
	var problems []error
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(table.byName)) {
		for _, a := range table.byName[name].apps {
			for _, what := range [...]string{"id " + a.id, "key " + a.key} {
				if seen[what] {
					problems = append(problems, fmt.Errorf("tenant %s: has an app whose %s another app has",
						protocol.Quote(name), what))
				}
				seen[what] = true
			}
		}
	}
	return errors.Join(problems...)
}

// hasSigned reports whether the signature of a text is the app's. It compares in constant time.
func (a *app) hasSigned(text, signature string) bool {
	return hmac.Equal([]byte(a.sign(text)), []byte(signature))
}

func (a *app) sign(text string) string {
	mac := hmac.New(sha256.New, a.secret)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// findApp finds the app of a key among those of the tenants.
func findApp(tenants []*tenant, key string) (*tenant, *app) {
	for _, t := range tenants {
		for i := range t.apps {
			if t.apps[i].key == key {
				return t, &t.apps[i]
			}
		}
	}
	return nil, nil
}

// checkAppKey checks the key of an app. It admits a client that is nobody in particular.
func checkAppKey(a *attempt) (authResult, Outcome) {
	owner, app := findApp(a.table.tenantsAt(a.tenant), a.credential.For)
	if app == nil {
		return a.refuse(decision.TokenKey, UnknownKey)
	}
	return authResult{owner, &protocol.Identity{Topics: app.topics, Key: app.fingerprint, Issued: a.now}}, Accepted
}

// checkSigned checks what an app has signed. The identity is what the signed text says; it was issued now, since the
// text names the connection.
func checkSigned(a *attempt) (authResult, Outcome) {
	key, signature, _ := strings.Cut(a.credential.Token, ":")
	signature, _, _ = strings.Cut(signature, ":")
	owner, app := findApp(a.table.tenantsAt(a.tenant), key)
	id := &protocol.Identity{Issued: a.now}
	if says := a.credential.Says; says != nil {
		id.User, id.Topics = says.User, says.Topics
	}
	switch {
	case app == nil:
		return a.refuse(decision.TokenKey, UnknownKey)
	case !a.asked.Step(decision.TokenSignature, app.hasSigned(a.credential.For, signature)):
		return authResult{tenant: owner}, BadSignature
	case id.User != "" && protocol.CheckName("user", id.User) != nil:
		return a.refuse(decision.TokenUser, BadUser)
	}
	id.Key = app.fingerprint
	return authResult{owner, id}, Accepted
}

// app finds the app with an id among those of all tenants.
func (table *tenantTable) app(id string) (*tenant, *app) {
	for _, t := range table.byName {
		for i := range t.apps {
			if t.apps[i].id == id {
				return t, &t.apps[i]
			}
		}
	}
	return nil, nil
}
