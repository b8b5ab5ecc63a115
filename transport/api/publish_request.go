package api

import (
	"bytes"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// publishRequest is one publish, parsed and checked.
type publishRequest struct {
	target actors.Target
	event  *protocol.Event
	// toOneUser says that the member "user" named the target.
	toOneUser bool
}

// The members of a publish and of its event.
var (
	publishMembers = []string{"topic", "user", "users", "all", "event", "exclude_connection"}
	eventMembers   = []string{"kind", "data", "id", "key", "time"}
)

// parsePublish parses one publish of a checked body; messages call it what. The result shares nothing with raw.
func (a *API) parsePublish(what string, raw []byte) (publishRequest, error) {
	var buf [6]rawjson.Member // for all members
	members, err := parseObject(what, raw, publishMembers, buf[:0])
	if err != nil {
		return publishRequest{}, err
	}
	var req publishRequest
	targets := 0
	for _, m := range members {
		if isTarget, err := a.readTarget(&req, m); err != nil {
			return publishRequest{}, err
		} else if isTarget {
			targets++
		}
	}
	if targets > 1 {
		return publishRequest{}, protocol.Refuse(protocol.Malformed,
			"%s has %d of topic, user, users and all; one says whom the event is for", what, targets)
	}
	input, err := a.readEvent(rawjson.Find(members, "event"))
	if err != nil {
		return publishRequest{}, err
	}
	if req.event, err = protocol.NewEvent(input); err != nil {
		return publishRequest{}, err
	}
	if targets == 0 {
		req.target.Topic, err = homeTopic(req.event)
	}
	return req, err
}

// readTarget reads a member that says whom the event is for or not for, and reports whether it names a target.
func (a *API) readTarget(req *publishRequest, m rawjson.Member) (chose bool, err error) {
	switch m.Name {
	case "topic":
		if req.target.Topic, err = readText("topic", m.Value); err == nil {
			err = protocol.CheckTopic(req.target.Topic)
		}
		return true, err
	case "user":
		user, err := readUser("user", m.Value)
		req.target.Users, req.toOneUser = []string{user}, true
		return true, err
	case "users":
		req.target.Users, err = a.readUsers(m.Value)
		return true, err
	case "all":
		req.target.All, err = readAll(m.Value)
		return req.target.All, err
	case "exclude_connection":
		req.target.Exclude, err = readName("exclude_connection", m.Value)
	}
	return false, err
}

// homeTopic is the topic that the event's kind and data name.
func homeTopic(ev *protocol.Event) (string, error) {
	topic := ev.HomeTopic()
	if topic == "" {
		return "", protocol.Refuse(protocol.Malformed, "%s needs one of topic, user, users and all", ev.Kind.Event())
	}
	return topic, protocol.CheckTopic(topic)
}

// readEvent reads an event. The node sets the time of one that has none.
func (a *API) readEvent(raw []byte) (d protocol.EventInput, err error) {
	if raw == nil {
		return d, protocol.Refuse(protocol.Malformed, `event is missing: {"kind":"...","data":{...}}`)
	}
	var buf [5]rawjson.Member
	members, err := parseObject("event", raw, eventMembers, buf[:0])
	if err != nil {
		return d, err
	}
	for _, m := range members {
		switch m.Name {
		case "kind":
			d.Kind, err = readKind(m.Value)
		case "data":
			d.Data, err = a.readData(m.Value)
			d.Checked = true
		case "id":
			d.ID, err = readName("event.id", m.Value)
		case "key":
			d.Key, err = readText("event.key", m.Value)
		case "time":
			d.Time, err = readTime("event.time", m.Value)
		}
		if err != nil {
			return d, err
		}
	}
	switch {
	case d.Kind == "":
		return d, protocol.Refuse(protocol.Malformed, "event.kind is missing")
	case d.Data == nil:
		return d, protocol.Refuse(protocol.Malformed, "event.data is missing")
	}
	return d, nil
}

// readKind reads an event's kind.
func readKind(raw []byte) (protocol.Kind, error) {
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return protocol.KindOf(raw[1 : len(raw)-1]), nil
	}
	text, err := readText("event.kind", raw)
	return protocol.Kind(text), err
}

// readData copies an event's data out of the body, since the node keeps it.
func (a *API) readData(raw []byte) ([]byte, error) {
	if len(raw) > a.cfg.MaxEvent {
		return nil, protocol.Refuse(protocol.TooLarge,
			"event.data has %d bytes; the limit is %d", len(raw), a.cfg.MaxEvent)
	}
	return bytes.Clone(raw), nil
}

// readUsers reads a list of users' ids.
func (a *API) readUsers(raw []byte) ([]string, error) {
	elements, ok := rawjson.Elements(raw)
	switch {
	case !ok:
		return nil, protocol.Refuse(protocol.Malformed, "users must be an array of users' ids")
	case len(elements) == 0:
		return nil, protocol.Refuse(protocol.Malformed, "users is empty; name at least one, or use all")
	case len(elements) > a.cfg.MaxUsers:
		return nil, protocol.Refuse(protocol.TooLarge,
			"users has %d ids; the limit is %d; publish in pieces, or to a topic", len(elements), a.cfg.MaxUsers)
	}
	users := make([]string, len(elements))
	for i, element := range elements {
		var err error
		if users[i], err = readUser("an id in users", element); err != nil {
			return nil, err
		}
	}
	return users, nil
}

func readAll(raw []byte) (bool, error) {
	switch string(raw) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, protocol.Refuse(protocol.Malformed, "all must be true or false")
}
