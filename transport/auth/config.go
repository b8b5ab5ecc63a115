package auth

import (
	"errors"
	"log/slog"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// Config is the configuration of a Verifier. A zero field has its default.
type Config struct {
	CacheEntries  int           `yaml:"cache_entries" env:"CACHE_ENTRIES" envDefault:"16384" unit:"tokens"`
	Revocations   int           `yaml:"revocations" env:"REVOCATIONS" envDefault:"100000" unit:"entries"`
	RevocationAge time.Duration `yaml:"revocation_age" env:"REVOCATION_AGE" envDefault:"24h" unit:"duration"`
	Tickets       int           `yaml:"tickets" env:"TICKETS" envDefault:"100000" unit:"tickets"`
	WarnAfter     int           `yaml:"warn_after" env:"WARN_AFTER" envDefault:"20" unit:"failures"`

	SignatureChecks int           `yaml:"signature_checks" env:"SIGNATURE_CHECKS" envDefault:"0" unit:"checks"`
	SignatureQueue  int           `yaml:"signature_queue" env:"SIGNATURE_QUEUE" envDefault:"4096" unit:"checks"`
	SignatureWait   time.Duration `yaml:"signature_wait" env:"SIGNATURE_WAIT" envDefault:"3s" unit:"duration"`

	// Journal keeps revocations across restarts; nil keeps them in memory alone.
	Journal Journal `yaml:"-" env:"-"`
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time `yaml:"-" env:"-"`
	// Logger gets the outcomes of authentications; nil discards them.
	Logger *slog.Logger `yaml:"-" env:"-"`
}

func (c Config) withDefaults() (Config, error) {
	setDefault(&c.CacheEntries, 16384)
	setDefault(&c.Revocations, 100_000)
	setDefault(&c.RevocationAge, 24*time.Hour)
	setDefault(&c.Tickets, 100_000)
	setDefault(&c.WarnAfter, 20)
	setDefault(&c.SignatureQueue, 4096)
	setDefault(&c.SignatureWait, 3*time.Second)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.CacheEntries < 0 || c.Revocations < 0 || c.RevocationAge < 0 || c.Tickets < 0 || c.WarnAfter < 0 ||
		c.SignatureChecks < 0 || c.SignatureQueue < 0 || c.SignatureWait < 0 {
		return c, errors.New("auth: cache_entries, revocations, revocation_age, tickets, warn_after and those of " +
			"signatures must not be negative; leave one out for its default")
	}
	return c, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// The leeway that a tenant may have: see TenantKeys.
const (
	DefaultLeeway = 10 * time.Second
	MaxLeeway     = 30 * time.Second
	// NoLeeway is a leeway of 0, since 0 itself means the default.
	NoLeeway time.Duration = -1
)

// Bounds of a tenant's settings.
const (
	MaxKeys     = 64     // of all its keys and key sets
	MaxOutposts = 10_000 // tokens of outposts
)

// TenantKeys holds the keys of one tenant, the rules for its tokens, and what else admits clients.
type TenantKeys struct {
	// Keys check the tenant's tokens. A token without kid is tried with the first 8 keys of its algorithm.
	Keys []Key
	// Issuer and Audience are what iss and aud must contain; "" accepts anything.
	Issuer, Audience string
	// Leeway is how far clocks may differ (default 10s, at most 30s, NoLeeway for none).
	Leeway time.Duration
	// User lists the claims that may name the user; the first one present wins; a dot goes one object deeper (default
	// "sub"). The rules of a dialect take precedence.
	User []string
	// Topics are the patterns of a token without the claim "topics"; nil is "*", an empty list grants nothing.
	Topics []string
	// AnonymousTopics are the patterns of a client without a token, where the dialect admits one; nil and empty as for
	// Topics.
	AnonymousTopics []string
	// NeverExpire accepts tokens without exp. Revocations of such a tenant are kept until the list is full.
	NeverExpire bool

	// Cookie says what a session cookie may be.
	Cookie CookieRules
	// Outposts are the tokens of outposts.
	Outposts []OutpostToken
	// Apps admit clients that show an app's key, and what an app has signed for them.
	Apps []App
	// AllowUnverified takes a client's word for who it is, without any proof, in dialects that show such credentials.
	AllowUnverified bool
	// Users are the existing users, for dialects that demand a known one. With nil, the backend is asked if
	// Introspection says so; otherwise everybody who has a token exists. With a list, the backend is asked about the
	// others.
	Users []string
	// Introspection is the backend to ask; without a URL there is none. Clock and Logger are the Verifier's.
	Introspection introspection.Config
	// AllowUnresolved admits connections that come without a tenant: see UnresolvedTenant.
	AllowUnresolved bool
}

// CookieRules are the rules for session cookies. The zero value admits only those that Introspection knows.
type CookieRules struct {
	// Secrets are SECRET_KEYs of authentik, which signs its session cookies with the hexadecimal SHA-512 of it.
	Secrets []string
	// Tokens lets the tenant's Keys sign session cookies, too, and lets one of its tokens be the cookie.
	Tokens bool
}

// String keeps secrets out of logs and messages.
func (CookieRules) String() string { return "[cookie rules]" }

// GoString keeps secrets out of %#v.
func (CookieRules) GoString() string { return "[cookie rules]" }

// AnyOutpost is the Outpost of a token that every outpost may show. It is for dev mode.
const AnyOutpost = "*"

// OutpostToken is a token and the one outpost that may show it. An outpost may have several tokens, so that one can be
// replaced without a gap.
type OutpostToken struct {
	// Outpost is the uuid.
	Outpost string
	// Token has 1 to MaxAPIKey bytes; it should be random.
	Token string
	// Expires is when the token ends; zero for never.
	Expires time.Time
}

// String keeps tokens out of logs and messages.
func (o OutpostToken) String() string { return "[token of outpost " + protocol.Quote(o.Outpost) + "]" }

// GoString keeps tokens out of %#v.
func (o OutpostToken) GoString() string { return o.String() }

// Key is one key, or a JWKS document with several. Exactly one of Secret, PEM, JWKS and URL is set.
type Key struct {
	// ID is the kid; a key with "" is only for tokens without kid.
	ID string
	// Algorithm is the one algorithm of this key. The default is HS256 for a secret, RS256 for an RSA key, and the
	// algorithm of the curve for other keys.
	Algorithm string
	// Issuer and Audience replace the tenant's for tokens of this key; "" keeps the tenant's.
	Issuer, Audience string
	// Secret has at least 32 bytes.
	Secret string
	// PEM is a public key, a certificate (its dates are ignored), or a private key, which can also sign.
	PEM []byte
	// JWKS is a JSON Web Key Set (RFC 7517). Keys that are not for signatures are skipped. Keys that cannot be used (of
	// an unknown kind, weak, broken, with the kid of another) are left out with a warning. At least one has to be left.
	JWKS []byte
	// URL is where such a set is published: https, or http on loopback. Fetching begins with Start, and the keys change
	// with the set. Keys that should be secret (oct, or a private key) are left out of it.
	URL string
}

// String keeps keys out of logs and messages.
func (k Key) String() string { return "[key " + protocol.Quote(k.ID) + "]" }

// GoString keeps keys out of %#v.
func (k Key) GoString() string { return k.String() }

// LogValue keeps keys out of structured logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
