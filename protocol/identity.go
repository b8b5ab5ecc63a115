package protocol

import (
	"strings"
	"time"
)

// Identity is who a connection speaks for, once its credential held.
type Identity struct {
	// Tenant is whose key it was, if the connection had come in without a tenant; "" is the one that was asked.
	Tenant string
	// User is the user's id inside the tenant, "" for an anonymous connection.
	User string
	// Unproven says that nothing was shown for it: the client is who it says it is.
	Unverified bool
	// Key says which of the tenant's keys the credential's signature held by; zero if it was not signed. When the key
	// is removed, what stands on it ends.
	Key KeyFingerprint
	// TokenID is the token's jti, "" if it had none; with Issued it is what revocation goes by. Issued is zero for what
	// does not say, or cannot be right: then it may be of any age.
	TokenID string
	Issued  time.Time
	// Expires is when the connection needs a new token; zero for never.
	Expires time.Time
	// Topics are the topics that may be subscribed to and, as PublishTo, those that the client may publish to. They are
	// one list, since every connection has an Identity.
	Topics []Pattern
}

// May reports whether the identity may subscribe to topic.
func (id *Identity) May(topic string) bool {
	for _, p := range id.Topics {
		if p.Grants(topic) {
			return true
		}
	}
	return false
}

// MayPublish reports whether the identity itself grants to publish to topic.
func (id *Identity) MayPublish(topic string) bool {
	for _, p := range id.Topics {
		if may, ok := strings.CutPrefix(string(p), publishMark); ok && Pattern(may).Grants(topic) {
			return true
		}
	}
	return false
}

// publishMark begins the patterns that grant to publish. No topic begins so.
const publishMark = "\x00publish "

// PublishTo is the pattern that grants to publish to what p covers, and nothing else.
func PublishTo(p Pattern) Pattern { return publishMark + p }

// KeyFingerprint names a key: it is the beginning of the key's SHA-256, so it is no secret and the same for as long as
// the key is. Every client has an Identity; 7 bytes and Unproven are one word of it.
type KeyFingerprint [7]byte

// MaxToken bounds a credential, in bytes of its text: a token of AirLay has 948, one of Keycloak 1,200 to 2,000. A
// larger one is refused as TooLarge.
const MaxToken = 8 << 10

// Credential is what a client showed to say who it is. It is a secret: it must not reach a log.
type Credential struct {
	// Form says what the Token is; the zero Form is a JWT.
	Form CredentialType
	// Token is what was shown; "" is an anonymous client, which only Claims.Anonymous lets pass.
	Token string
	// For is what the token must have been issued for (an outpost), "" if it is bound to nothing.
	For string
	// Claims says what the dialect's document demands of a token.
	Claims Claims
	// Says is what the text of a Signed credential says; nil is nothing.
	Says *Statement
}

// Statement is what a text says that an app has signed, as the dialect reads it.
type Statement struct {
	// User is the user that the connection is, "" for nobody.
	User string
	// Topics may be subscribed to.
	Topics []Pattern
}

// String keeps a credential out of logs and messages.
func (Credential) String() string { return "[credential]" }

// GoString keeps a credential out of %#v.
func (Credential) GoString() string { return "[credential]" }

// CredentialType is what a credential is.
type CredentialType string

// The forms of credentials.
const (
	Token   CredentialType = ""        // a JWT
	Ticket  CredentialType = "ticket"  // a single-use ticket
	Cookie  CredentialType = "cookie"  // a session cookie: a JWT or an opaque session key
	Outpost CredentialType = "outpost" // an opaque token that is bound to what For names
	AppKey  CredentialType = "app_key" // the public key of an app, which For names
	// Signed is a signature by an app: Token is the app's key, a colon, and the HMAC-SHA256 of the text For with the
	// app's secret, in lower-case hexadecimal digits. A second colon, and all behind it, does not count.
	Signed CredentialType = "signed"
	// Unproven is no credential at all: For is who the client says it is. Only a dialect whose configuration asks for
	// it shows this one (notify's oldest form).
	Unverified CredentialType = "unproven"
)

// Claims are the rules of a dialect's document about its tokens, beside those that hold for every token (signature,
// exp, nbf, the tenant's issuer and audience).
type Claims struct {
	// User are the claims that may name the user, the first that is present wins; a dot goes one object deeper.
	// nil is the tenant's setting (default "sub").
	User []string
	// Require names claims that must be present.
	Require []string
	// Refuse are values of the claim "type" that do not open a socket, such as "refresh".
	Refuse []string
	// Known demands that the tenant's directory knows the user; one that it does not is refused as UnknownUser.
	Known bool
	// Anonymous lets a client without a token in, as nobody.
	Anonymous bool
}
