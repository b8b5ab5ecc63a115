package valtronics

import (
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// request is a subscribe or unsubscribe: the channel, and where its options may stand.
type request struct {
	channel channel
	message message
	filters []rawjson.Member
}

// option is the raw value of an option; under "filters" it wins over the top.
func (r *request) option(name string) []byte {
	if raw := unlessNull(rawjson.Find(r.filters, name)); raw != nil {
		return raw
	}
	return r.message.member(name)
}

func read(m message) (*request, *protocol.Refusal) {
	r := &request{message: m}
	name, ok := rawjson.Text(m.member("channel"))
	switch {
	case m.member("channel") == nil:
		return r, protocol.Refuse(protocol.Malformed,
			"channel is missing; known are telemetry, alerts, devices, system")
	case !ok:
		return r, protocol.Refuse(protocol.Malformed, "channel must be a string")
	}
	if r.channel, ok = channelOf(name); !ok {
		return r, protocol.Refuse(protocol.UnknownChannel,
			"unknown channel%s; known are telemetry, alerts, devices, system", plain(name))
	}
	if raw := m.member("filters"); raw != nil {
		filters, err := rawjson.ReadObject(raw)
		if err != nil {
			return r, protocol.Refuse(protocol.Malformed, "filters must be an object")
		}
		r.filters = filters
	}
	return r, nil
}

func subscribe(m message) ([]protocol.Command, channel, *protocol.Refusal) {
	r, refusal := read(m)
	if refusal != nil {
		return nil, r.channel, refusal
	}
	topics, refusal := r.topics()
	if refusal != nil {
		return nil, r.channel, refusal
	}
	filter, refusal := r.filter()
	if refusal != nil {
		return nil, r.channel, refusal
	}
	if topics == nil {
		topics = []string{string(r.channel)}
	}
	commands := make([]protocol.Command, 0, len(topics))
	for _, topic := range topics {
		commands = append(commands, protocol.Subscribe{Topic: topic, Filter: filter, Tag: tag(m.index)})
	}
	return commands, r.channel, nil
}

func unsubscribe(m message) ([]protocol.Command, channel, *protocol.Refusal) {
	r, refusal := read(m)
	if refusal != nil {
		return nil, r.channel, refusal
	}
	topics, refusal := r.topics()
	if refusal != nil {
		return nil, r.channel, refusal
	}
	if topics == nil {
		return []protocol.Command{protocol.Unsubscribe{Topic: string(r.channel), Below: true}}, r.channel, nil
	}
	commands := make([]protocol.Command, 0, len(topics))
	for _, topic := range topics {
		commands = append(commands, protocol.Unsubscribe{Topic: topic})
	}
	return commands, r.channel, nil
}

// topics are those of the devices that are named; nil if none is.
func (r *request) topics() ([]string, *protocol.Refusal) {
	ids, refusal := r.list("device_id")
	var topics []string
	for _, id := range ids {
		topic := string(r.channel) + "/" + id
		if err := protocol.CheckTopic(topic); err != nil {
			return nil, protocol.Refuse(protocol.Malformed, "device_id%s cannot be part of a topic's name", plain(id))
		}
		topics = append(topics, topic)
	}
	return topics, refusal
}

// filter is what the channel's options ask for.
func (r *request) filter() (filter protocol.Filter, refusal *protocol.Refusal) {
	switch r.channel {
	case alerts:
		refusal = r.where(&filter, "severity", "severity")
		if refusal == nil {
			refusal = r.where(&filter, "alert_type", "alert_type")
		}
	case devices:
		refusal = r.where(&filter, "status_types", "new_status")
	case telemetry, system:
		var metrics []string
		if metrics, refusal = r.list("metrics"); refusal != nil {
			return filter, refusal
		}
		if metrics != nil {
			filter.View = protocol.Project(metrics)
		}
		filter.Every, refusal = frequency(r.option("frequency"))
	}
	return filter, refusal
}

// where adds the condition of an option, if it is there.
func (r *request) where(filter *protocol.Filter, option, attribute string) *protocol.Refusal {
	values, refusal := r.list(option)
	if values != nil {
		filter.Where = append(filter.Where, protocol.Condition{Attribute: attribute, In: values})
	}
	return refusal
}

// list reads an option that is one value or a list of them: integers, or strings that are names. None is nil.
func (r *request) list(option string) ([]string, *protocol.Refusal) {
	raw := r.option(option)
	if raw == nil {
		return nil, nil
	}
	elements := [][]byte{raw}
	if raw[0] == '[' {
		elements, _ = rawjson.ReadArray(raw)
	}
	var values []string
	for _, raw := range elements {
		value, ok := rawjson.Scalar(raw)
		if !ok || raw[0] == 't' || raw[0] == 'f' || raw[0] != '"' && strings.ContainsAny(value, ".eE") {
			return nil, protocol.Refuse(protocol.Malformed, "%s must be a string, an integer, or a list of them",
				option)
		}
		if protocol.CheckName(option, value) != nil {
			return nil, protocol.Refuse(protocol.Malformed,
				"%s must be 1 to %d bytes of text without control characters or spaces at its ends", option,
				protocol.MaxName)
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values, nil
}

// root is the channel that a topic belongs to.
func root(topic string) channel {
	name, _, _ := strings.Cut(topic, "/")
	ch, _ := channelOf(name)
	return ch
}
