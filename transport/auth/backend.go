package auth

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// backend is a tenant's backend, which is asked what the tenant's keys and settings do not say. It is never changed;
// the zero value is no backend.
type backend struct {
	tenant       string
	settings     introspection.Config  // as they were given
	accessTopics []protocol.Pattern    // topics about which it is asked
	client       *introspection.Client // nil if there is none
}

// newBackend makes a backend and its client, or the backend that is none.
func newBackend(tenant string, settings introspection.Config, config *Config) (backend, error) {
	b := backend{tenant: tenant, settings: settings}
	if !settings.Enabled() {
		return b, nil
	}
	var err error
	if len(settings.Topics) > 0 {
		if b.accessTopics, err = patterns(settings.Topics); err != nil {
			return b, fmt.Errorf("introspection: topics: %w", err)
		}
	}
	settings.Clock, settings.Logger = config.Clock, config.Logger
	b.client, err = introspection.New(tenant, settings)
	return b, err
}

// isSetAs reports whether there is a backend, and it has these settings.
func (b *backend) isSetAs(settings *introspection.Config) bool {
	return b.client != nil && reflect.DeepEqual(&b.settings, settings)
}

// close closes idle connections to the backend.
func (b *backend) close() {
	if b.client != nil {
		b.client.Close()
	}
}

// asksAbout reports whether the backend is asked about a kind.
func (b *backend) asksAbout(kind introspection.Kind) bool { return b.settings.AsksAbout(kind) }

// asksAboutTopic reports whether the backend is asked about a topic, or about something below it.
func (b *backend) asksAboutTopic(topic string) bool {
	return slices.ContainsFunc(b.accessTopics, func(p protocol.Pattern) bool { return touches(p, topic) })
}

// touches reports whether the pattern covers the topic or something below it.
func touches(p protocol.Pattern, topic string) bool {
	prefix, open := strings.CutSuffix(string(p), "*")
	if !open {
		return protocol.Under(topic, prefix) || protocol.Under(prefix, topic)
	}
	return strings.HasPrefix(topic+"/", prefix) || strings.HasPrefix(prefix, topic+"/")
}

// ask asks the backend. It blocks for at most the Budget of its settings.
func (b *backend) ask(ctx context.Context, q introspection.Question) (introspection.Answer, Outcome) {
	q.Tenant = b.tenant
	answer, err := b.client.Ask(ctx, q)
	if err != nil {
		return answer, Unavailable
	}
	return answer, Accepted
}

// askOutpost asks whether a token belongs to the outpost id or, if id is "", to which outpost it belongs.
func (b *backend) askOutpost(ctx context.Context, id, token string) (introspection.Answer, Outcome) {
	answer, outcome := b.ask(ctx, introspection.Question{Kind: introspection.Outpost, Outpost: id, Token: token})
	if outcome == Accepted && (!answer.Allow || id != "" && answer.Outpost != "" && answer.Outpost != id) {
		return answer, BadOutpost
	}
	return answer, outcome
}
