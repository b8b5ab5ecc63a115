package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// speech is how a client speaks one dialect. A new dialect is one more of these in the table.
type speech struct {
	// opening is where a client connects, and what it shows there.
	opening func(token string, topics []string) (opening, error)
	// login is what is sent first, if anything, and again every so often; 0 is never.
	login func(token string) []any
	every time.Duration
	// admitted reads the server's messages until one lets us in; an error is one that does not. nil is for those that are
	// let in by the opening.
	admitted func(message []byte) (bool, error)
	// wants is what asks for topics.
	wants func(token string, topics []string) ([]any, error)
	// asking says that it is by asking that a client is let in.
	asking bool
}

// opening is the beginning of a handshake.
type opening struct {
	path   string
	query  url.Values
	header http.Header
}

// at is the opening of a dialect that shows nothing there.
func at(path string) func(string, []string) (opening, error) {
	return func(string, []string) (opening, error) { return opening{path: path}, nil }
}

var speeches = map[string]speech{
	"dashboard":         {opening: at("/api/v2/dashboard/ws"), login: dashboardLogin, admitted: dashboardAdmitted, wants: dashboardWants},
	"valtronics":        {opening: at("/ws"), login: valtronicsLogin, admitted: valtronicsAdmitted, wants: valtronicsWants},
	"notify":            {opening: notifyOpening, login: silence, wants: nothing},
	"authentik":         {opening: authentikOpening, login: silence, wants: nothing},
	"authentik_outpost": {opening: outpostOpening, login: outpostHello, every: 10 * time.Second, wants: outpostWants},
	"airlay":            {opening: at("/ws"), login: silence, admitted: airlayAdmitted, wants: airlayWants, asking: true},
}

// Dialects are the dialects that Listen speaks, sorted.
func Dialects() []string { return slices.Sorted(maps.Keys(speeches)) }

func speechOf(dialect string) (speech, error) {
	s, ok := speeches[dialect]
	if !ok {
		return s, fmt.Errorf("dialect %.40q: use one of %s", dialect, strings.Join(Dialects(), ", "))
	}
	return s, nil
}

type object = map[string]any

func dashboardLogin(token string) []any {
	if token == "" {
		return nil
	}
	return []any{object{"token": token}}
}

func dashboardAdmitted(message []byte) (bool, error) {
	var m struct{ Event, Message string }
	if json.Unmarshal(message, &m) == nil && m.Event == "error" {
		return false, fmt.Errorf("refused: %s", m.Message)
	}
	return m.Event == "connected", nil
}

// A dashboard client hears all projects, and cannot ask for anything else.
func dashboardWants(_ string, topics []string) ([]any, error) {
	for _, topic := range topics {
		if topic != "projects" {
			return nil, fmt.Errorf("a dashboard client hears the topic projects and cannot ask for %.100q", topic)
		}
	}
	return nil, nil
}

func valtronicsLogin(token string) []any { return []any{object{"type": "auth", "token": token}} }

func valtronicsAdmitted(message []byte) (bool, error) {
	var m struct {
		Type, Message, Error string
		Success              bool
	}
	if json.Unmarshal(message, &m) != nil || m.Type != "auth_response" {
		return false, nil
	}
	if !m.Success {
		return false, fmt.Errorf("refused: %s: %s", m.Error, m.Message)
	}
	return true, nil
}

// valtronicsWants turns telemetry/1 into channel telemetry, device 1; no topics are all channels.
func valtronicsWants(_ string, topics []string) ([]any, error) {
	if len(topics) == 0 {
		topics = []string{"telemetry", "alerts", "devices", "system"}
	}
	var wants []any
	for _, topic := range topics {
		channel, device, below := strings.Cut(topic, "/")
		want := object{"type": "subscribe", "channel": channel}
		if below {
			want["device_id"] = device
		}
		if channel == "" || below && device == "" {
			return nil, errors.New("a topic is a channel or channel/device, such as telemetry or telemetry/1")
		}
		wants = append(wants, want)
	}
	return wants, nil
}
