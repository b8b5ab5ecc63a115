package auth

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// addBackend makes the client of the tenant's backend. If the settings are those of the tenant before, it takes over
// that tenant's client with its cached answers.
func (t *tenant) addBackend(before *tenant, cfg *Config) error {
	if !t.introspection.Enabled() {
		return nil
	}
	if len(t.introspection.Topics) > 0 {
		var err error
		if t.accessTopics, err = patterns(t.introspection.Topics); err != nil {
			return fmt.Errorf("introspection: topics: %w", err)
		}
	}
	if before != nil && before.backend != nil && reflect.DeepEqual(before.introspection, t.introspection) {
		t.backend = before.backend
		return nil
	}
	settings := t.introspection
	settings.Clock, settings.Logger = cfg.Clock, cfg.Logger
	var err error
	t.backend, err = introspection.New(t.name, settings)
	return err
}

// askBackend asks the tenant's backend. It blocks for at most the Budget of its settings.
func (t *tenant) askBackend(ctx context.Context, q introspection.Question) (introspection.Answer, Outcome) {
	q.Tenant = t.name
	answer, err := t.backend.Ask(ctx, q)
	if err != nil {
		return answer, Unavailable
	}
	return answer, Accepted
}

// confirmSession asks about a session and puts the answer into the identity.
func (t *tenant) confirmSession(
	ctx context.Context, q introspection.Question, id *protocol.Identity, now time.Time,
) Outcome {
	answer, outcome := t.askBackend(ctx, q)
	switch {
	case outcome != Accepted:
		return outcome
	case !answer.Allow:
		return BadSession
	case answer.Topics != nil:
		topics, err := patterns(answer.Topics)
		if err != nil {
			return Unavailable // this counts as no answer
		}
		id.Topics = topics
	}
	if answer.User != "" {
		id.User = answer.User
	}
	return t.applyAnswer(&answer, id, now)
}

// applyAnswer puts the times and the id of a session or token into the identity.
func (t *tenant) applyAnswer(answer *introspection.Answer, id *protocol.Identity, now time.Time) Outcome {
	if !answer.Expires.IsZero() && !now.Before(answer.Expires) {
		return Expired
	}
	if !answer.Expires.IsZero() && (id.Expires.IsZero() || answer.Expires.Before(id.Expires)) {
		id.Expires = answer.Expires
	}
	if id.TokenID == "" {
		id.TokenID = answer.ID
	}
	if id.Issued.IsZero() {
		t.state.issueTimes.record(id.User, answer.Issued, now)
		if !isAhead(answer.Issued, now) {
			id.Issued = answer.Issued
		}
	}
	return Accepted
}

// checkUser checks that the tenant knows the user.
func (t *tenant) checkUser(ctx context.Context, user string) Outcome {
	if user == "" {
		return UnknownUser
	}
	_, listed := t.users[user]
	switch {
	case listed:
		return Accepted
	case t.introspection.AsksAbout(introspection.User):
		answer, outcome := t.askBackend(ctx, introspection.Question{Kind: introspection.User, User: user})
		if outcome == Accepted && !answer.Allow {
			return UnknownUser
		}
		return outcome
	case t.users == nil:
		return Accepted
	}
	return UnknownUser
}
