package console

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

const maxEvent = 64 << 10 // bytes of an event that is shown in all dialects

func (c *Console) showSettings(w http.ResponseWriter, _ *http.Request) error {
	return respond(w, map[string]any{"settings": orNone(c.cfg.Settings())})
}

func (c *Console) showBackends(w http.ResponseWriter, _ *http.Request) error {
	return respond(w, map[string]any{"backends": orNone(c.cfg.Backends())})
}

// orNone makes an empty list of nil, which JSON would call null.
func orNone[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// rule is what holds for a topic, in the words of a configuration.
type rule struct {
	Pattern      string `json:"pattern"` // "" if no rule covers the topic
	Store        string `json:"store"`
	Sync         string `json:"sync"`
	Slow         string `json:"slow"`
	HistoryCount int    `json:"history_count"`
	HistoryBytes int    `json:"history_bytes"`
	HistoryAge   string `json:"history_age"`
	BatchWindow  string `json:"batch_window"`
}

func (c *Console) showRule(w http.ResponseWriter, r *http.Request) error {
	topic := r.URL.Query().Get("topic")
	if err := protocol.CheckTopic(topic); err != nil {
		return err
	}
	found, ok := c.cfg.Rule(r.URL.Query().Get("tenant"), topic)
	if !ok {
		return protocol.Refuse(protocol.NotFound, "no such tenant")
	}
	return respond(w, rule{found.Pattern, found.Store, found.Sync, found.Slow, found.HistoryCount, found.HistoryBytes,
		found.HistoryAge.String(), found.BatchWindow.String()})
}

// rendering is an event in one dialect's words; Text is null if the dialect has none for it.
type rendering struct {
	Dialect string  `json:"dialect"`
	Text    *string `json:"text"`
}

// showWords shows an event in every dialect. Nothing is published.
func (c *Console) showWords(w http.ResponseWriter, r *http.Request) error {
	var input struct {
		Kind  string          `json:"kind"`
		ID    string          `json:"id"`
		Topic string          `json:"topic"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxEvent)).Decode(&input); err != nil {
		return protocol.Refuse(protocol.Malformed,
			`an event is {"kind", "data"} in JSON, of at most %d bytes`, maxEvent)
	}
	ev, err := protocol.NewEvent(protocol.EventInput{
		Kind: protocol.Kind(input.Kind), ID: input.ID, Data: input.Data, Time: time.Now(),
	})
	if err != nil {
		return err
	}
	if input.Topic == "" {
		input.Topic = ev.HomeTopic()
	}
	var all []rendering
	for _, dialect := range c.cfg.Dialects() {
		one := rendering{Dialect: dialect.Name()}
		if words := dialect.Encode(protocol.Delivery{Event: ev.At(input.Topic)}); words.Data != nil {
			text := string(words.Data)
			one.Text = &text
		}
		all = append(all, one)
	}
	return respond(w, map[string]any{"topic": input.Topic, "renderings": orNone(all)})
}

// showToken signs a token for a user of the playground.
func (c *Console) showToken(w http.ResponseWriter, r *http.Request) error {
	user := r.URL.Query().Get("user")
	if err := protocol.CheckName("user", user); err != nil {
		return err
	}
	if c.cfg.Token == nil {
		return protocol.Refuse(protocol.NotFound, "only dev mode gives tokens away")
	}
	token, err := c.cfg.Token(user)
	if err != nil {
		return err
	}
	return respond(w, map[string]string{"token": token})
}
