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

// Publish publishes and returns the server's answer. Its errors are those of Call.
func (a API) Publish(ctx context.Context, p PublishRequest) ([]byte, error) {
	if !json.Valid(p.Event.Data) {
		return nil, errors.New("what is to be published is no JSON")
	}
	answer, err := a.Call(ctx, http.MethodPost, "/api/v1/publish", nil, p)
	if _, unreachable := errors.AsType[*Unreachable](err); unreachable {
		err = fmt.Errorf("publish: %w", err)
	}
	return bytes.TrimSpace(answer), err
}
