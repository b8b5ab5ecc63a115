package auth

import (
	"context"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
)

// Authorize says whether an identity of the tenant may hear a topic: by its patterns, and where the tenant's
// introspection has a pattern for the topic, by what its backend says of this user and this topic. It is asked when
// somebody subscribes; a right that the backend takes back later is for Revoke or a disconnect to end.
//
// A topic above such a pattern is asked about as well, since its subscribers hear all that is below it.
//
// nil allows. The error is a protocol.Refusal: Forbidden, or Busy if the backend could not be asked.
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
