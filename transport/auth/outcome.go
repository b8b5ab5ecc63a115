package auth

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
	"github.com/parley-realtime/parley/transport/auth/jwks"
)

// Outcome is what became of one authentication. Logs and metrics tell outcomes apart; clients hear three reasons.
type Outcome uint8

// The outcomes. Those up to Unproven let the client in.
const (
	Accepted Outcome = iota // verified anew
	Cached                  // verified before
	Anonymous
	Unverified // who it says it is, as the tenant wants it
	NoToken
	UnknownTenant
	UnsupportedType // a credential of a form that the tenant does not take
	TooLarge
	Malformed
	BadHeader
	BadAlgorithm
	UnknownKey
	BadSignature
	Expired
	BadTime // exp missing or no time, iat no time, or nbf in the future
	BadIssuer
	BadAudience
	BadType // a refresh token
	MissingClaim
	BadUser
	BadTopics
	BadTokenID
	BadTicket   // there is none such, or there was
	BadSession  // it has ended, or nobody has logged in to it
	BadOutpost  // no token, or that of another outpost
	UnknownUser // the token holds, but its user does not exist
	Unavailable // the tenant's backend could not be asked, or its key set has not come yet
	Revoked

	outcomes = iota
)

var outcomeNames = [outcomes]string{
	"accepted", "cached", "anonymous", "unproven", "no_token", "unknown_tenant", "other_form", "too_large", "malformed",
	"bad_header", "bad_algorithm",
	"unknown_key", "bad_signature", "expired", "bad_time", "bad_issuer", "bad_audience", "bad_type", "missing_claim",
	"bad_user",
	"bad_topics", "bad_token_id", "bad_ticket", "bad_session", "bad_outpost", "unknown_user", "unavailable", "revoked",
}

// String is the word for logs and metrics.
func (o Outcome) String() string { return outcomeNames[o] }

func (o Outcome) admits() bool { return o <= Unverified }

// retryAfter is when a backend that did not answer may be worth another question.
const retryAfter = 2 * time.Second

// refusal is what a client may know. What was wrong with a token is nobody's business who could not have made it.
func (o Outcome) refusal() *protocol.Refusal {
	switch o {
	case NoToken:
		return &protocol.Refusal{Reason: protocol.Unauthorized}
	case Expired:
		return &protocol.Refusal{Reason: protocol.TokenExpired}
	case UnknownUser:
		return &protocol.Refusal{Reason: protocol.UnknownUser}
	case TooLarge:
		return protocol.Refuse(protocol.TooLarge, "the token has more than %d bytes", protocol.MaxToken)
	case Unavailable:
		return &protocol.Refusal{Reason: protocol.Busy, RetryAfter: retryAfter}
	}
	return &protocol.Refusal{Reason: protocol.InvalidToken}
}

// tally counts outcomes.
type outcomeCounters [outcomes]atomic.Uint64

func (t *outcomeCounters) snapshot() map[string]uint64 {
	counts := make(map[string]uint64, outcomes)
	for o := range Outcome(outcomes) {
		counts[o.String()] = t[o].Load()
	}
	return counts
}

// Figures are a snapshot of what was counted since the start.
type Stats struct {
	// Outcomes counts authentications by tenant and outcome, all outcomes present. Attempts with a tenant that there is
	// not, and those in the lobby that were no tenant's, are counted under "".
	Outcomes map[string]map[string]uint64
	// CacheEntries and Revocations are how many there are now.
	CacheEntries, Revocations int
	// Forgotten counts revocations that were pushed out before their time, NotKept changes that the Journal did not
	// take.
	Forgotten, NotKept uint64
	// Tickets is how many wait to be used, TicketsLost how many were pushed out before their time.
	Tickets     int
	TicketsLost uint64
	// Introspection tells of the backends that are asked, by tenant.
	Introspection map[string]introspection.Stats
	// KeySets tells of the key sets that are fetched, by tenant.
	KeySets map[string]jwks.Stats
}
