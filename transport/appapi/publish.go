package appapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/pusher"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// The bounds of one request.
const (
	maxChannels  = 100
	maxBatch     = 10
	maxEventName = 200 // bytes
)

// event is an event as a backend publishes it.
type event struct {
	Name     string   `json:"name"`
	Data     *string  `json:"data"`
	Channels []string `json:"channels"`
	Channel  string   `json:"channel"`
	SocketID string   `json:"socket_id"`
	Info     string   `json:"info"`

	made *protocol.Event
}

// publish answers POST events.
func (c *call) publish() (any, *failure) {
	var e event
	if json.Unmarshal(c.body, &e) != nil {
		return nil, &failure{400, "the body is no event"}
	}
	if refused := c.check(&e); refused != nil {
		return nil, refused
	}
	if refused := c.deliver(&e); refused != nil || e.Info == "" {
		return struct{}{}, refused
	}
	counts := map[string]any{}
	for _, channel := range e.Channels {
		about, refused := c.about(channel, e.Info)
		if refused != nil {
			return nil, refused
		}
		counts[channel] = about
	}
	return map[string]any{"channels": counts}, nil
}

// publishBatch answers POST batch_events. One event that is wrong refuses all.
func (c *call) publishBatch() (any, *failure) {
	var batch struct {
		Batch []event `json:"batch"`
	}
	switch err := json.Unmarshal(c.body, &batch); {
	case err != nil:
		return nil, &failure{400, "the body is no batch of events"}
	case len(batch.Batch) > maxBatch:
		return nil, &failure{400, fmt.Sprintf("a batch has at most %d events", maxBatch)}
	}
	for i := range batch.Batch {
		if refused := c.check(&batch.Batch[i]); refused != nil {
			return nil, refused
		}
	}
	var counts []any
	asked := false
	for i := range batch.Batch {
		e := &batch.Batch[i]
		if refused := c.deliver(e); refused != nil {
			return nil, refused
		}
		about, refused := c.about(e.Channels[0], e.Info)
		if refused != nil {
			return nil, refused
		}
		counts, asked = append(counts, about), asked || e.Info != ""
	}
	if !asked {
		return struct{}{}, nil
	}
	return map[string]any{"batch": counts}, nil
}

// check checks an event, and makes it one of the engine's.
func (c *call) check(e *event) *failure {
	if e.Channel != "" {
		e.Channels = append(e.Channels, e.Channel)
	}
	switch {
	case e.Name == "" || len(e.Name) > maxEventName:
		return &failure{400, fmt.Sprintf("name has 1 to %d bytes", maxEventName)}
	case e.Data == nil:
		return &failure{400, "data is missing; it is a string"}
	case len(*e.Data) > c.config.MaxEvent:
		return &failure{413, fmt.Sprintf("data has %d bytes; the limit is %d (api.max_event)", len(*e.Data),
			c.config.MaxEvent)}
	case len(e.Channels) == 0 || len(e.Channels) > maxChannels:
		return &failure{400, fmt.Sprintf("an event has 1 to %d channels", maxChannels)}
	case e.SocketID != "" && pusher.ConnectionOf(e.SocketID) == "":
		return &failure{400, "socket_id is none"}
	}
	for _, channel := range e.Channels {
		if !pusher.IsChannel(channel) && userOf(channel) == "" {
			return &failure{400, "there can be no channel " + protocol.Quote(channel)}
		}
	}
	data := append(rawjson.AppendText([]byte(`{"event":`), e.Name), `,"data":`...)
	data = append(rawjson.AppendText(data, *e.Data), '}')
	made, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Named, Data: data})
	if err != nil {
		return refuse(err)
	}
	e.made = made
	return nil
}

// userOf is the user whose channel it is, "" for a channel that is no user's.
func userOf(channel string) string {
	user, ok := strings.CutPrefix(channel, pusher.UserChannel)
	if !ok || protocol.CheckName("user", user) != nil {
		return ""
	}
	return user
}

// deliver publishes an event that was checked to each of its channels.
func (c *call) deliver(e *event) *failure {
	for _, channel := range e.Channels {
		to := actors.Target{Topic: channel, Exclude: pusher.ConnectionOf(e.SocketID)}
		if user := userOf(channel); user != "" {
			to.Topic, to.Users = "", []string{user}
		}
		if _, err := c.node.Publish(c.Context(), c.tenant, to, e.made); err != nil {
			return refuse(err)
		}
	}
	return nil
}
