package grant

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
)

// Authenticator checks credentials. tenant is the one that the connection came to. Authenticate may block until ctx
// ends. The error is a protocol.Refusal.
type Authenticator interface {
	Authenticate(ctx context.Context, tenant string, credential protocol.Credential) (*protocol.Identity, error)
}

// Authorizer is an Authenticator that also knows rights that are not in the identity. Authorize returns nil if id may
// subscribe to topic; it may block until ctx ends. The error is a protocol.Refusal.
type Authorizer interface {
	Authorize(ctx context.Context, tenant string, id *protocol.Identity, topic string) error
}
