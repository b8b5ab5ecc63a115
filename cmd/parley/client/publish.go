package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// PublishRequest is one event and its receivers. At most one of Topic, User and All is set; none means the topic that
// the kind names.
type PublishRequest struct {
	Topic string `json:"topic,omitempty"`
	User  string `json:"user,omitempty"`
	All   bool   `json:"all,omitempty"`
	Event Event  `json:"event"`
}

// Event is the event of a PublishRequest.
type Event struct {
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
	ID   string          `json:"id,omitempty"`
}

// Publish sends a request to the server at base and returns its answer. A refusal is an error with the server's own
// words. It blocks until the server answers or the context ends.
func Publish(ctx context.Context, base, key string, p PublishRequest) ([]byte, error) {
	if !json.Valid(p.Event.Data) {
		return nil, errors.New("what is to be published is no JSON")
	}
	answer, err := API{base, key}.Call(ctx, http.MethodPost, "/api/v1/publish", nil, p)
	if _, unreachable := errors.AsType[*Unreachable](err); unreachable {
		err = fmt.Errorf("publish: %w", err)
	}
	return bytes.TrimSpace(answer), err
}
