package auth

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
	"github.com/parley-realtime/parley/transport/auth/jwks"
	"github.com/parley-realtime/parley/transport/fairqueue"
)

// Outcome is the result of one authentication. Logs and metrics tell all outcomes apart; a client hears only a few
// reasons.
type Outcome uint8

// The outcomes. Those up to Unverified let the client in.
const (
	Accepted   Outcome = iota // verified now
	Cached                    // verified earlier
	Anonymous                 // without a credential, where the dialect admits that
	Unverified                // on the client's word, where the tenant allows that
	NoToken
	UnknownTenant
	UnsupportedType // a credential of a type that the tenant does not take
	TooLarge
	Malformed
	BadHeader
	BadAlgorithm
	UnknownKey
	BadSignature
	Expired
	BadTime // exp is missing or no time, iat is no time, or nbf lies in the future
	BadIssuer
	BadAudience
	BadType // a refresh token
	MissingClaim
	BadUser
	BadTopics
	BadTokenID
	BadTicket   // there is no such ticket, or it was used
	BadSession  // it has ended, or nobody has logged in to it
	BadOutpost  // no token, or one of another outpost
	UnknownUser // the token holds, but its user does not exist
	Unavailable // the tenant's backend could not be asked, or its key set has not been fetched yet
	Overloaded  // too many signatures wait to be checked
	Revoked

	outcomes = iota
)

var outcomeNames = [outcomes]string{
	"accepted", "cached", "anonymous", "unproven", "no_token", "unknown_tenant", "other_form", "too_large", "malformed",
	"bad_header", "bad_algorithm", "unknown_key", "bad_signature", "expired", "bad_time", "bad_issuer", "bad_audience",
	"bad_type", "missing_claim", "bad_user", "bad_topics", "bad_token_id", "bad_ticket", "bad_session", "bad_outpost",
	"unknown_user", "unavailable", "overloaded", "revoked",
}

// String is the word for logs and metrics.
func (o Outcome) String() string { return outcomeNames[o] }

func (o Outcome) admits() bool { return o <= Unverified }

// retryAfter is when it may be worth trying again: a backend that did not answer, or a check that found no slot.
const retryAfter = 2 * time.Second

// refusal is what the client may know: a client that could not have made a token does not learn what is wrong with it.
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
	case Unavailable, Overloaded:
		return &protocol.Refusal{Reason: protocol.Busy, RetryAfter: retryAfter}
	}
	return &protocol.Refusal{Reason: protocol.InvalidToken}
}

// outcomeCounters counts outcomes.
type outcomeCounters [outcomes]atomic.Uint64

func (t *outcomeCounters) snapshot() map[string]uint64 {
	counts := make(map[string]uint64, outcomes)
	for o := range Outcome(outcomes) {
		counts[o.String()] = t[o].Load()
	}
	return counts
}

// Stats is a snapshot of what was counted since the start.
type Stats struct {
	// Outcomes counts authentications by tenant and outcome; every outcome is present. Under "" are attempts that name
	// no existing tenant, and those with UnresolvedTenant whose tenant was not found out.
	Outcomes map[string]map[string]uint64
	// CacheEntries and Revocations are how many there are now.
	CacheEntries, Revocations int
	// Forgotten counts revocations that were dropped before their time; NotKept counts changes that the Journal did not
	// take.
	Forgotten, NotKept uint64
	// Tickets is how many wait to be used now; TicketsLost counts those that were dropped before their time.
	Tickets     int
	TicketsLost uint64
	// Introspection has the counters of the tenants' backends, by tenant.
	Introspection map[string]introspection.Stats
	// Signatures has the figures of the checks of signatures that public keys made.
	Signatures fairqueue.Stats
	// KeySets has the counters of the key sets that are fetched, by tenant.
	KeySets map[string]jwks.Stats
}
