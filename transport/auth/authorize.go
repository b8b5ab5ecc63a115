package auth

import (
	"context"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// Authorize says whether an identity of the tenant may hear a topic. The identity's patterns decide, and where the
// tenant's introspection has a pattern for the topic, also the backend's answer for this user and topic. The engine
// asks when a client subscribes; it takes Revoke or a disconnect to end a right that the backend takes back later.
//
// Authorize asks about a topic above such a pattern as well, since its subscribers hear everything below it.
//
// nil allows. The error is a protocol.Refusal: Forbidden, or Busy if the backend could not be asked. It may block for
// the Budget of the tenant's introspection.
func (v *Verifier) Authorize(ctx context.Context, tenant string, id *protocol.Identity, topic string) error {
	if tenant == UnresolvedTenant && id != nil {
		tenant = id.Tenant
	}
	t := v.table.Load().byName[tenant]
	if t == nil || id == nil || id.Tenant != "" && id.Tenant != tenant || !id.May(topic) {
		return protocol.Refuse(protocol.Forbidden, "the token does not grant %s", protocol.Quote(topic))
	}
	if !slices.ContainsFunc(t.accessTopics, func(p protocol.Pattern) bool { return touches(p, topic) }) {
		return nil
	}
	if id.User == "" {
		return protocol.Refuse(protocol.Forbidden, "%s is for users alone", protocol.Quote(topic))
	}
	answer, outcome := t.askBackend(ctx,
		introspection.Question{Kind: introspection.Access, User: id.User, Topic: topic})
	if outcome != Accepted {
		return outcome.refusal()
	}
	if !answer.Allow {
		return protocol.Refuse(protocol.Forbidden, "the user may not hear %s", protocol.Quote(topic))
	}
	return nil
}

// touches reports whether the pattern covers the topic or something below it.
func touches(p protocol.Pattern, topic string) bool {
	prefix, open := strings.CutSuffix(string(p), "*")
	if !open {
		return protocol.Under(topic, prefix) || protocol.Under(prefix, topic)
	}
	return strings.HasPrefix(topic+"/", prefix) || strings.HasPrefix(prefix, topic+"/")
}
