package centrifugo

import (
	"slices"
	"strconv"
	"strings"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/centrifuge"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// presence lists who is present in a channel.
func (c *call) presence() error {
	members, err := c.members()
	c.dst = centrifuge.AppendPresence(c.dst, members)
	return err
}

// presenceStats counts who is present in a channel.
func (c *call) presenceStats() error {
	members, err := c.members()
	c.dst = centrifuge.AppendStats(c.dst, members)
	return err
}

func (c *call) members() ([]protocol.Member, error) {
	name, err := c.channel()
	if err != nil {
		return nil, err
	}
	return c.Node.Present(c.ctx, c.tenant, name)
}

// history reads past publications; without a limit it tells the position alone.
func (c *call) history() error {
	name, err := c.channel()
	if err != nil {
		return err
	}
	limit, _ := strconv.Atoi(string(rawjson.Find(c.params, "limit")))
	if limit < 0 || limit > protocol.MaxHistory {
		limit = protocol.MaxHistory
	}
	var after protocol.Position
	if since := rawjson.Find(c.params, "since"); rawjson.IsObject(since) {
		after.Epoch, _ = rawjson.Text(rawjson.Lookup(since, "epoch"))
		after.Offset, _ = strconv.ParseUint(string(rawjson.Lookup(since, "offset")), 10, 64)
	}
	read := c.Node.History
	if string(rawjson.Find(c.params, "reverse")) == "true" {
		read = c.newest
	}
	page, err := read(c.ctx, c.tenant, name, after, limit)
	if err != nil {
		return err
	}
	c.dst = centrifuge.AppendHistory(c.dst, name, page.Events[:min(limit, len(page.Events))], page.Position)
	return nil
}

// channels lists the channels that somebody hears, at most MaxCommands; the only pattern is a beginning with a star.
func (c *call) channels() error {
	prefix, _, starred := strings.Cut(c.text("pattern"), "*")
	all, _, err := c.Node.Topics(c.ctx, c.tenant, actors.TopicQuery{Prefix: prefix, Limit: MaxCommands})
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(t actors.TopicInfo) bool {
		return t.Subscribers == 0 || prefix != "" && !starred && t.Name != prefix
	})
	c.dst = append(c.dst, `"channels":{`...)
	for i, t := range all {
		if i > 0 {
			c.dst = append(c.dst, ',')
		}
		c.dst = append(rawjson.AppendText(c.dst, t.Name), `:{"num_clients":`...)
		c.dst = append(strconv.AppendInt(c.dst, int64(t.Subscribers), 10), '}')
	}
	c.dst = append(c.dst, '}')
	return nil
}

// info tells how many clients the tenant has on this node.
func (c *call) info() error {
	figures := c.Node.Stats(c.tenant)
	c.dst = append(c.dst, `"nodes":[{"uid":"parley","name":"parley","version":"parley","num_clients":`...)
	c.dst = strconv.AppendUint(c.dst, figures.ActiveConnections, 10)
	c.dst = append(c.dst, "}]"...)
	return nil
}
