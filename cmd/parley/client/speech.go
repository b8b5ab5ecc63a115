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
	// hears reports whether a client of the dialect can ask for a topic; nil is none.
	hears func(topic string) bool
	// unasked says that it hears something without naming a topic, and does not have to be somebody in particular.
	unasked bool
	// explains says that its login tells in words what is wrong with a token, rather than that one is not let in.
	explains bool
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
	"dashboard": {opening: at("/api/v2/dashboard/ws"), login: dashboardLogin, admitted: dashboardAdmitted, wants: dashboardWants, hears: below("projects"), unasked: true},
	"valtronics": {opening: at("/ws"), login: valtronicsLogin, admitted: valtronicsAdmitted, wants: valtronicsWants,
		hears: below("telemetry", "alerts", "devices", "system"), unasked: true, explains: true},
	"notify":            {opening: notifyOpening, login: silence, wants: nothing, unasked: true},
	"authentik":         {opening: authentikOpening, login: silence, wants: nothing, unasked: true},
	"authentik_outpost": {opening: outpostOpening, login: outpostHello, every: 10 * time.Second, wants: outpostWants, hears: below("outposts")},
	"airlay": {opening: at("/ws"), login: silence, admitted: airlayAdmitted, wants: airlayWants, asking: true,
		hears: below("issueUpdate", "notification", "datasetUpdate", "uploadFile", "downloadFile"), unasked: true},
}

// below is for topics whose first part is one of these.
func below(firsts ...string) func(string) bool {
	return func(topic string) bool {
		first, _, _ := strings.Cut(topic, "/")
		return slices.Contains(firsts, first)
	}
}

// Share says in which dialects to listen when none is named, and for which topics in each: without topics in all that
// hear something anyway, else in those that can ask for them. The first is one that explains what is wrong with a token, if
// there is one. A topic that nobody can ask for is an error.
func Share(topics []string) (dialects []string, each map[string][]string, err error) {
	each = map[string][]string{}
	for _, dialect := range Dialects() {
		if len(topics) == 0 && speeches[dialect].unasked {
			dialects = append(dialects, dialect)
		}
	}
	for _, topic := range topics {
		hearer := ""
		for _, dialect := range Dialects() {
			if hears := speeches[dialect].hears; hears != nil && hears(topic) {
				hearer = dialect
			}
		}
		if hearer == "" {
			return nil, nil, fmt.Errorf("topic %.100q: no protocol's clients ask for it by this name; say which one you mean with --dialect", topic)
		}
		if len(each[hearer]) == 0 {
			dialects = append(dialects, hearer)
		}
		each[hearer] = append(each[hearer], topic)
	}
	slices.SortFunc(dialects, func(a, b string) int {
		if speeches[a].explains != speeches[b].explains {
			return map[bool]int{true: -1, false: 1}[speeches[a].explains]
		}
		return strings.Compare(a, b)
	})
	return dialects, each, nil
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
