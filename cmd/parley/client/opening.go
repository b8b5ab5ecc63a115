package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// The dialects in which a client shows who it is when it connects, and AirLay, where it does so with each request.

func silence(string) []any { return nil }

// nothing is for clients that hear what is sent to their user, and cannot ask for anything else.
func nothing(_ string, topics []string) ([]any, error) {
	if len(topics) > 0 {
		return nil, fmt.Errorf("this client hears what is sent to its user or to all, and cannot ask for %.100q", topics[0])
	}
	return nil, nil
}

func notifyOpening(token string, _ []string) (opening, error) {
	return opening{path: "/api/v1/ws", query: url.Values{"access_token": {token}}}, nil
}

func authentikOpening(token string, _ []string) (opening, error) {
	return opening{path: "/ws/client/", header: http.Header{"Cookie": {"authentik_session=" + token}}}, nil
}

// outpostOpening takes the outpost's uuid as its only topic.
func outpostOpening(token string, topics []string) (opening, error) {
	if len(topics) != 1 {
		return opening{}, errors.New("an outpost is named by its uuid: parley listen --dialect authentik_outpost UUID")
	}
	uuid := strings.TrimPrefix(topics[0], "outposts/")
	header := http.Header{"Authorization": {"Bearer " + token}, "User-Agent": {"goauthentik.io/outpost/parley"}}
	return opening{path: "/ws/outpost/" + url.PathEscape(uuid) + "/", header: header}, nil
}

func outpostWants(string, []string) ([]any, error) { return nil, nil }

// outpostHello says that this instance lives. It has no uuid: the server tells it by its connection.
func outpostHello(string) []any {
	return []any{object{"instruction": 1, "args": object{"version": "parley", "buildHash": "", "hostname": "parley listen"}}}
}

// airlayWants attaches to type/id, or to the user's notifications if nothing is named.
func airlayWants(token string, topics []string) ([]any, error) {
	if len(topics) == 0 {
		topics = []string{"notification"}
	}
	var wants []any
	for _, topic := range topics {
		kind, id, _ := strings.Cut(topic, "/")
		event := object{"type": kind}
		if id != "" {
			event["id"] = id
		}
		wants = append(wants, object{"auth": token, "action": "attach", "event": event})
	}
	return wants, nil
}

func airlayAdmitted(message []byte) (bool, error) {
	var m struct {
		Status, Code int
		Message      string
	}
	if json.Unmarshal(message, &m) == nil && m.Status == http.StatusBadRequest {
		return false, fmt.Errorf("refused: code %d: %s", m.Code, m.Message)
	}
	return m.Status == http.StatusOK, nil
}
