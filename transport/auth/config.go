package auth

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// Config is what a Verifier obeys. A field that is zero has its default.
type Config struct {
	CacheEntries  int           `yaml:"cache_entries" env:"CACHE_ENTRIES" envDefault:"16384" unit:"tokens" help:"How many verified tokens are remembered until they expire, of all tenants together; about 400 bytes each. The one not used for longest goes first."`
	Revocations   int           `yaml:"revocations" env:"REVOCATIONS" envDefault:"100000" unit:"entries" help:"How many revocations are remembered, of all tenants together; about 250 bytes each. When full, the tenant that has most loses the one not used for longest, with a warning."`
	RevocationAge time.Duration `yaml:"revocation_age" env:"REVOCATION_AGE" envDefault:"24h" unit:"duration" help:"How long a revocation is remembered; keep it above the lifetime of your tokens."`
	Tickets       int           `yaml:"tickets" env:"TICKETS" envDefault:"100000" unit:"tickets" help:"How many single-use tickets may wait to be used, of all tenants together; about 300 bytes each. When full, the tenant that has most loses its oldest."`
	WarnAfter     int           `yaml:"warn_after" env:"WARN_AFTER" envDefault:"20" unit:"failures" help:"How many failed authentications of one tenant in a minute make a warning; those after it are logged at debug level."`

	// Journal keeps revocations across restarts; nil keeps them in memory alone.
	Journal Journal `yaml:"-" env:"-"`
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time `yaml:"-" env:"-"`
	// Logger hears what became of authentications; nil is silence.
	Logger *slog.Logger `yaml:"-" env:"-"`
}

func (c Config) withDefaults() (Config, error) {
	setDefault(&c.CacheEntries, 16384)
	setDefault(&c.Revocations, 100_000)
	setDefault(&c.RevocationAge, 24*time.Hour)
	setDefault(&c.Tickets, 100_000)
	setDefault(&c.WarnAfter, 20)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.CacheEntries < 0 || c.Revocations < 0 || c.RevocationAge < 0 || c.Tickets < 0 || c.WarnAfter < 0 {
		return c,
			fmt.Errorf(
				"auth: cache_entries, revocations, revocation_age, tickets and warn_after must not be negative; " +
					"leave one out for its default")
	}
	return c, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Leeway, as TenantKeys has it.
const (
	DefaultLeeway = 10 * time.Second
	MaxLeeway     = 30 * time.Second
	// NoLeeway asks for none, since 0 asks for the default.
	NoLeeway time.Duration = -1
)

// Bounds of one tenant's settings.
const (
	MaxKeys     = 64
	MaxOutposts = 10_000 // tokens of outposts
)

// TenantKeys are the keys of one tenant, what its tokens must say, and what else lets in.
type TenantKeys struct {
	// Keys check the tenant's tokens. A token without kid is tried against the first 8 whose algorithm is the token's.
	Keys []Key
	// Issuer and Audience are what iss and aud must hold; "" is anything.
	Issuer, Audience string
	// Leeway is how far clocks may differ (default 10s, at most 30s, NoLeeway for none).
	Leeway time.Duration
	// User are the claims that may name the user, the first that is present wins; a dot goes one object deeper
	// (default "sub"). The rules of a dialect go before.
	User []string
	// Topics are the patterns for a token without the claim "topics"; nil is "*", an empty list is nothing.
	Topics []string
	// AnonymousTopics are the patterns for a client without a token, where the dialect lets one in; as Topics.
	AnonymousTopics []string
	// NeverExpire accepts tokens without exp. Revocations of such a tenant are kept until they are pushed out.
	NeverExpire bool

	// Cookie says what a session cookie may be.
	Cookie CookieRules
	// Outposts are the tokens of outposts.
	Outposts []OutpostToken
	// Unproven lets in whom a dialect shows as Unproven: a client is who it says it is, without any proof.
	AllowUnverified bool
	// Users are the users that exist, for dialects that demand one that is known. nil asks the backend, if
	// Introspection says so, and otherwise is everybody who has a token; with a list, the backend is asked about the
	// others.
	Users []string
	// Introspection is the backend to ask, none without a URL. Clock and Logger are the Verifier's.
	Introspection introspection.Config
	// Lobby lets connections in that come without a tenant: see Lobby.
	AllowUnresolved bool
}

// CookieRules say what a session cookie of a tenant may be. The zero value admits none but what Introspection knows.
type CookieRules struct {
	// Secrets are SECRET_KEYs of authentik: its session cookies are signed with the hexadecimal SHA-512 of it.
	Secrets []string
	// Tokens lets the tenant's Keys sign session cookies, too, and one of its tokens be the cookie.
	Tokens bool
}

// String keeps secrets out of logs and messages.
func (CookieRules) String() string { return "[cookie rules]" }

// GoString keeps secrets out of %#v.
func (CookieRules) GoString() string { return "[cookie rules]" }

// AnyOutpost is the Outpost of a token that any outpost may show. It is for dev mode.
const AnyOutpost = "*"

// OutpostToken is a token and the one outpost that may show it. An outpost may have several, so that one can be
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

// Key is one key, or a JWKS document with several: exactly one of Secret, PEM, JWKS and URL is set.
type Key struct {
	// ID is the kid; "" for a key that only tokens without kid use.
	ID string
	// Algorithm is the one algorithm of this key. "" is HS256 for a secret, RS256 for an RSA key, and what the key's
	// curve says for the others.
	Algorithm string
	// Issuer and Audience are what tokens of this key must hold instead of the tenant's; "" is the tenant's.
	Issuer, Audience string
	// Secret is at least 32 bytes.
	Secret string
	// PEM is a public key, a certificate (whose dates are not looked at), or a private key, which can also sign.
	PEM []byte
	// JWKS is a JSON Web Key Set (RFC 7517). Keys in it that are not for signatures are passed over, and those that
	// cannot be used (of an unknown kind, weak, broken, with the kid of another) are left out with a warning; one has
	// to be left.
	JWKS []byte
	// URL is where such a set is published: https, or http on loopback. It is fetched from when Start was called on,
	// and its keys change with it. What should be secret (oct, or a private key) is left out of it.
	URL string
}

// String keeps keys out of logs and messages.
func (k Key) String() string { return "[key " + protocol.Quote(k.ID) + "]" }

// GoString keeps keys out of %#v.
func (k Key) GoString() string { return k.String() }

// LogValue keeps keys out of structured logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
