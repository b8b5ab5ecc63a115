package inproc

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// authenticator takes the token for the user's name.
type authenticator struct{}

// anyTopic lets all users subscribe to everything. Real verifiers share such a list, too.
var anyTopic = []protocol.Pattern{"*"}

// Authenticate implements actors.Authenticator.
func (authenticator) Authenticate(_ context.Context, _ string, c protocol.Credential) (*protocol.Identity, error) {
	now := time.Now()
	return &protocol.Identity{User: c.Token, Issued: now, Expires: now.Add(24 * time.Hour), Topics: anyTopic}, nil
}
