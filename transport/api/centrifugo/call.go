package centrifugo

import (
	"bytes"
	"context"
	"encoding/base64"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/centrifuge"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// call is one call on its way: its parameters, and its result so far.
type call struct {
	*Server
	ctx    context.Context
	tenant string
	params []rawjson.Member
	dst    []byte
}

// publish publishes to one channel.
func (c *call) publish() error {
	name, err := c.channel()
	if err != nil {
		return err
	}
	ev, err := c.event()
	if err != nil {
		return err
	}
	return c.send(name, ev)
}

// broadcast publishes the same to several channels, each with a reply of its own.
func (c *call) broadcast() error {
	channels, err := c.list("channels")
	if err != nil {
		return err
	}
	ev, err := c.event()
	if err != nil {
		return err
	}
	c.dst = append(c.dst, `"responses":[`...)
	for i, raw := range channels {
		if i > 0 {
			c.dst = append(c.dst, ',')
		}
		c.response(raw, ev)
	}
	c.dst = append(c.dst, ']')
	return nil
}

// response publishes to one of many channels, and appends what became of it.
func (c *call) response(channel []byte, ev *protocol.Event) {
	start := len(c.dst)
	c.dst = append(c.dst, `{"result":{`...)
	name, _ := rawjson.Text(channel)
	err := protocol.CheckTopic(name)
	if err == nil {
		err = c.send(name, ev)
	}
	if err != nil {
		c.dst = centrifuge.AppendError(append(c.dst[:start], `{"error":{`...), protocol.AsRefusal(err))
	}
	c.dst = append(c.dst, "}}"...)
}

// send publishes an event, and appends where it stands.
func (c *call) send(topic string, ev *protocol.Event) error {
	receipt, err := c.Node.Publish(c.ctx, c.tenant, actors.Target{Topic: topic}, ev)
	if err == nil {
		c.dst = centrifuge.AppendPosition(c.dst, receipt.Position)
	}
	return err
}

// event is what data, or b64data, makes. The same idempotency_key within the dedup window is the same event.
func (c *call) event() (*protocol.Event, error) {
	data := bytes.Clone(rawjson.Find(c.params, "data"))
	if text := c.text("b64data"); text != "" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(text); err != nil || rawjson.Check(data) != nil {
			return nil, protocol.Refuse(protocol.Malformed, "b64data is no JSON in base64")
		}
	}
	switch {
	case data == nil:
		return nil, protocol.Refuse(protocol.Malformed, "data is missing")
	case len(data) > c.MaxEvent:
		return nil, protocol.Refuse(protocol.TooLarge, "data has %d bytes; the limit is %d", len(data), c.MaxEvent)
	}
	return protocol.NewEvent(protocol.EventInput{ID: c.text("idempotency_key"), Kind: centrifuge.KindOf(data),
		Data: data, Checked: true})
}

// batch makes the calls of a list in turn.
func (c *call) batch() error {
	commands, err := c.list("commands")
	if err != nil {
		return err
	}
	c.dst = append(c.dst, `"replies":[`...)
	for i, command := range commands {
		if i > 0 {
			c.dst = append(c.dst, ',')
		}
		method, params := "", []byte(nil)
		for _, m := range rawjson.Split(nil, command, nil) {
			if m.Name != "batch" && Has(m.Name) {
				method, params = m.Name, m.Value
			}
		}
		c.dst = c.reply(c.ctx, c.tenant, method, method, params, c.dst)
	}
	c.dst = append(c.dst, ']')
	return nil
}

// text is a parameter that is a string, "" if it is none.
func (c *call) text(name string) string {
	text, _ := rawjson.Text(rawjson.Find(c.params, name))
	return text
}

// list is a parameter that is an array of one to MaxCommands elements.
func (c *call) list(name string) ([][]byte, error) {
	var all [][]byte
	if raw := rawjson.Find(c.params, name); raw != nil {
		all, _ = rawjson.Elements(raw)
	}
	if len(all) == 0 || len(all) > MaxCommands {
		return nil, protocol.Refuse(protocol.Malformed, "%s must have 1 to %d elements", name, MaxCommands)
	}
	return all, nil
}

// channel is the channel that the call is about.
func (c *call) channel() (string, error) {
	name := c.text("channel")
	return name, protocol.CheckTopic(name)
}
