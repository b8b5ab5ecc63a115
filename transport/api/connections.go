package api

import (
	"context"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// connections does GET /api/v1/connections.
func (a *API) connections(ctx context.Context, x *exchange) error {
	q, err := connectionQuery(x)
	if err != nil {
		return err
	}
	page, next, err := a.node.Connections(ctx, x.tenant, q)
	if err != nil {
		return err
	}
	x.out = appendConnections(append(x.out, '{'), page)
	x.out = appendNext(x.out, next)
	return nil
}

func connectionQuery(x *exchange) (q actors.ConnectionQuery, err error) {
	values, err := x.query("cursor", "limit", "user", "dialect", "topic")
	if err != nil {
		return q, err
	}
	if q.Cursor, q.Limit, err = paging(values); err != nil {
		return q, err
	}
	if q.User, err = checked(values, "user", aName("user")); err != nil {
		return q, err
	}
	if q.Dialect, err = checked(values, "dialect", aName("dialect")); err != nil {
		return q, err
	}
	q.Topic, err = checked(values, "topic", protocol.CheckTopic)
	return q, err
}

// connection does GET /api/v1/connections/{id}.
func (a *API) connection(ctx context.Context, x *exchange) error {
	id, err := x.segment("id")
	if err != nil {
		return err
	}
	found, err := a.node.Connection(ctx, x.tenant, id)
	if err != nil {
		return err
	}
	x.out = appendConnection(x.out, &found)
	return nil
}

// disconnect does DELETE /api/v1/connections/{id}.
func (a *API) disconnect(_ context.Context, x *exchange) error {
	id, err := x.segment("id")
	if err != nil {
		return err
	}
	why, err := a.farewell(x)
	if err != nil {
		return err
	}
	if err := a.node.Disconnect(x.tenant, id, why.code, why.reason); err != nil {
		return err
	}
	x.out = append(x.out, `{"disconnected":1}`...)
	return nil
}

// segment reads a name of a call that has no other parameters: from a segment of the path, or from the query if the
// path has none.
func (x *exchange) segment(name string) (string, error) {
	if x.r.URL.RawQuery != "" && x.r.PathValue(name) != "" {
		return "", protocol.Refuse(protocol.Malformed, "this call has no query parameters")
	}
	value, _, err := x.named(name)
	if err != nil {
		return "", err
	}
	return value, protocol.CheckName(name, value)
}

// farewell is what a client hears when it is disconnected; zero is the node's default.
type farewell struct {
	code   uint16
	reason string
}

// maxFarewell bounds the reason, which has to fit into a close frame, in bytes.
const maxFarewell = 123

// farewell reads the body of a call that disconnects; there may be none.
func (a *API) farewell(x *exchange) (f farewell, err error) {
	if err := x.read(small, a.cfg.RequestTimeout); err != nil || len(x.in) == 0 {
		return f, err
	}
	members, err := readBody(x.in, []string{"code", "reason"})
	if err != nil {
		return f, err
	}
	for _, m := range members {
		switch m.Name {
		case "code":
			f.code, err = readCode(m.Value)
		case "reason":
			if f.reason, err = readName("reason", m.Value); err == nil && len(f.reason) > maxFarewell {
				err = protocol.Refuse(protocol.Malformed, "reason has %d bytes; a close frame holds %d", len(f.reason), maxFarewell)
			}
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// readCode reads a close code that an endpoint may send (RFC 6455 section 7.4).
func readCode(raw []byte) (uint16, error) {
	n, err := readNumber("code", raw, 4999)
	switch {
	case err == nil && n >= 3000, n >= 1000 && n <= 1003, n >= 1007 && n <= 1014:
		return uint16(n), nil
	}
	return 0, protocol.Refuse(protocol.Malformed, "code must be a close code that may be sent: 1000-1003, 1007-1014 or 3000-4999")
}

func appendConnections(dst []byte, all []actors.ConnectionInfo) []byte {
	dst = append(appendMember(dst, "connections"), '[')
	for i := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendConnection(dst, &all[i])
	}
	return append(dst, ']')
}

// appendConnection appends what is told of a connection (spec R001.67, R001.85).
func appendConnection(dst []byte, c *actors.ConnectionInfo) []byte {
	dst = appendTextMember(append(dst, '{'), "id", c.ID)
	dst = appendTextMember(dst, "user", c.User)
	dst = appendTextMember(dst, "dialect", c.Dialect)
	dst = appendTime(dst, "since", c.Since)
	dst = appendTextMember(dst, "remote_address", c.Remote)
	dst = appendCount(dst, "in_messages", c.InMessages)
	dst = appendCount(dst, "in_bytes", c.InBytes)
	dst = appendCount(dst, "out_messages", c.OutMessages)
	dst = appendCount(dst, "out_bytes", c.OutBytes)
	dst = appendCount(dst, "queued_frames", c.QueuedFrames)
	dst = appendCount(dst, "queued_bytes", c.QueuedBytes)
	dst = append(appendMember(dst, "subscriptions"), '[')
	for i, topic := range c.Subscriptions {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = rawjson.AppendText(dst, topic)
	}
	dst = append(dst, ']')
	if c.Restored+c.Replayed+c.Missed > 0 {
		dst = append(appendMember(dst, "resumed"), '{')
		dst = appendCount(dst, "subscriptions", c.Restored)
		dst = appendCount(dst, "replayed", c.Replayed)
		dst = append(appendCount(dst, "missed", c.Missed), '}')
	}
	return append(dst, '}')
}
