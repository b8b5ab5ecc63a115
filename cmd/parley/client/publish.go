package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	u, err := endpoint(base, "http", "/api/v1/publish")
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("publish: the answer broke off: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, refusal(response.Status, answer)
	}
	return bytes.TrimSpace(answer), nil
}

// refusal is an error answer as one line.
func refusal(status string, answer []byte) error {
	var told struct {
		Error struct {
			Code, Message string
			Request       string `json:"request_id"`
		}
	}
	if json.Unmarshal(answer, &told) != nil || told.Error.Code == "" {
		return fmt.Errorf("refused: %s", status)
	}
	cause := fmt.Sprintf("refused: %s: %s", told.Error.Code, told.Error.Message)
	if told.Error.Request != "" { // by which the server's log has it
		cause += " (request " + told.Error.Request + ")"
	}
	return errors.New(cause)
}
