package appapi

import (
	"strings"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/pusher"
)

// presencePrefix begins the names of channels that have users.
const presencePrefix = "presence-"

// pageSize is how many topics are asked for at once.
const pageSize = 1000

// channels answers GET channels: those that somebody is subscribed to.
func (c *call) channels() (any, *failure) {
	prefix, info := c.query.Get("filter_by_prefix"), c.query.Get("info")
	if asks(info, "user_count") && !strings.HasPrefix(prefix, presencePrefix) {
		return nil, &failure{400, "user_count is for presence channels; set filter_by_prefix to " + presencePrefix}
	}
	found := map[string]any{}
	for cursor := ""; ; {
		page, next, err := c.node.Topics(c.Context(), c.tenant,
			actors.TopicQuery{Prefix: prefix, Cursor: cursor, Limit: pageSize})
		if err != nil {
			return nil, refuse(err)
		}
		for _, topic := range page {
			if topic.Subscribers == 0 || !pusher.IsChannel(topic.Name) {
				continue
			}
			about, refused := c.counts(topic, info)
			if refused != nil {
				return nil, refused
			}
			delete(about, "occupied")
			found[topic.Name] = about
		}
		if cursor = next; next == "" {
			return map[string]any{"channels": found}, nil
		}
	}
}

// channel answers GET channels/{channel}.
func (c *call) channel() (any, *failure) {
	name, info := c.PathValue("channel"), c.query.Get("info")
	switch {
	case !pusher.IsChannel(name):
		return nil, &failure{400, "there can be no channel " + protocol.Quote(name)}
	case asks(info, "user_count") && !strings.HasPrefix(name, presencePrefix):
		return nil, &failure{400, "user_count is for presence channels"}
	}
	about, refused := c.about(name, info)
	if refused != nil {
		return nil, refused
	}
	return about, nil
}

// about says what is asked about one channel. A user's channel has no figures.
func (c *call) about(name, info string) (map[string]any, *failure) {
	if info == "" && c.Method == "POST" || !pusher.IsChannel(name) {
		return map[string]any{}, nil
	}
	topic := actors.TopicInfo{Name: name}
	page, _, err := c.node.Topics(c.Context(), c.tenant, actors.TopicQuery{Prefix: name, Limit: 1})
	if err != nil {
		return nil, refuse(err)
	}
	if len(page) > 0 && page[0].Name == name {
		topic = page[0]
	}
	about, refused := c.counts(topic, info)
	if c.Method == "POST" {
		delete(about, "occupied")
	}
	return about, refused
}

// counts are the figures of a topic that are asked for.
func (c *call) counts(topic actors.TopicInfo, info string) (map[string]any, *failure) {
	about := map[string]any{"occupied": topic.Subscribers > 0}
	if asks(info, "subscription_count") {
		about["subscription_count"] = topic.Subscribers
	}
	if asks(info, "user_count") && strings.HasPrefix(topic.Name, presencePrefix) {
		members, err := c.node.Present(c.Context(), c.tenant, topic.Name)
		if err != nil {
			return nil, refuse(err)
		}
		about["user_count"] = len(members)
	}
	return about, nil
}

// asks reports whether a list with commas has a word.
func asks(list, word string) bool {
	for given := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(given) == word {
			return true
		}
	}
	return false
}

// users answers GET channels/{channel}/users.
func (c *call) users() (any, *failure) {
	name := c.PathValue("channel")
	if !strings.HasPrefix(name, presencePrefix) {
		return nil, &failure{400, "users are those of a presence channel"}
	}
	members, err := c.node.Present(c.Context(), c.tenant, name)
	if err != nil {
		return nil, refuse(err)
	}
	type user struct {
		ID string `json:"id"`
	}
	all := []user{}
	for _, m := range members {
		all = append(all, user{m.ID})
	}
	return map[string]any{"users": all}, nil
}

// terminate answers POST users/{user}/terminate_connections.
func (c *call) terminate() (any, *failure) {
	if _, err := c.node.DisconnectUser(c.Context(), c.tenant, c.PathValue("user"), 0, ""); err != nil &&
		protocol.AsRefusal(err).Reason != protocol.NotFound {
		return nil, refuse(err)
	}
	return struct{}{}, nil
}
