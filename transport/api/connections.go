package api

import (
	"context"
	"errors"
	"net/url"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// connections does GET /api/v1/connections.
func (a *API) connections(ctx context.Context, rc *requestContext) error {
	values, err := rc.query("cursor", "limit", "user", "dialect", "topic", "state", "reason", "address", "request_id")
	if err != nil {
		return err
	}
	if values.Get("state") == "closed" {
		return a.closedConnections(rc, values)
	}
	q, err := connectionQuery(values)
	if err != nil {
		return err
	}
	page, next, err := a.node.Connections(ctx, rc.tenant, q)
	if err != nil {
		return err
	}
	rc.out = appendConnections(append(rc.out, '{'), page)
	rc.out = appendNext(rc.out, next)
	return nil
}

func connectionQuery(values url.Values) (q actors.ConnectionQuery, err error) {
	if state := values.Get("state"); state != "" && state != "open" {
		return q, protocol.Refuse(protocol.Malformed, "state must be open or closed")
	}
	for _, name := range []string{"reason", "address", "request_id"} {
		if values.Get(name) != "" {
			return q, protocol.Refuse(protocol.Malformed, "parameter %s is for state=closed", name)
		}
	}
	if q.Cursor, q.Limit, err = paging(values); err != nil {
		return q, err
	}
	if q.User, err = optionalParam(values, "user", nameCheck("user")); err != nil {
		return q, err
	}
	if q.Dialect, err = optionalParam(values, "dialect", nameCheck("dialect")); err != nil {
		return q, err
	}
	q.Topic, err = optionalParam(values, "topic", protocol.CheckTopic)
	return q, err
}

// connection does GET /api/v1/connections/{id}.
func (a *API) connection(ctx context.Context, rc *requestContext) error {
	id, err := rc.nameParam("id")
	if err != nil {
		return err
	}
	found, err := a.node.Connection(ctx, rc.tenant, id)
	if errors.Is(err, protocol.Refuse(protocol.NotFound, "")) {
		return a.closedConnection(rc, id)
	}
	if err != nil {
		return err
	}
	rc.out = appendConnection(rc.out, &found)
	return nil
}

// disconnect does DELETE /api/v1/connections/{id}.
func (a *API) disconnect(_ context.Context, rc *requestContext) error {
	id, err := rc.nameParam("id")
	if err != nil {
		return err
	}
	opts, err := a.readCloseOptions(rc)
	if err != nil {
		return err
	}
	if err := a.node.Disconnect(rc.tenant, id, opts.code, opts.reason); err != nil {
		return err
	}
	rc.out = append(rc.out, `{"disconnected":1}`...)
	return nil
}

// closeOptions are the code and reason of the close frame that a client gets; zero is the node's default.
type closeOptions struct {
	code   uint16
	reason string
}

// maxCloseReason bounds the reason, which has to fit into a close frame, in bytes.
const maxCloseReason = 123

// readCloseOptions reads the body of a call that disconnects; it may be empty.
func (a *API) readCloseOptions(rc *requestContext) (opts closeOptions, err error) {
	if err := rc.readBody(maxSmallBody, a.cfg.RequestTimeout); err != nil || len(rc.body) == 0 {
		return opts, err
	}
	members, err := parseBody(rc.body, []string{"code", "reason"})
	if err != nil {
		return opts, err
	}
	for _, m := range members {
		switch m.Name {
		case "code":
			opts.code, err = readCode(m.Value)
		case "reason":
			if opts.reason, err = readName("reason", m.Value); err == nil && len(opts.reason) > maxCloseReason {
				err = protocol.Refuse(protocol.Malformed,
					"reason has %d bytes; a close frame holds %d", len(opts.reason), maxCloseReason)
			}
		}
		if err != nil {
			return opts, err
		}
	}
	return opts, nil
}

// readCode reads a close code that an endpoint may send (RFC 6455 section 7.4).
func readCode(raw []byte) (uint16, error) {
	n, err := readNumber("code", raw, 4999)
	switch {
	case err == nil && n >= 3000, n >= 1000 && n <= 1003, n >= 1007 && n <= 1014:
		return uint16(n), nil
	}
	return 0, protocol.Refuse(protocol.Malformed,
		"code must be a close code that may be sent: 1000-1003, 1007-1014 or 3000-4999")
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

// appendConnection appends one connection (spec R001.67, R001.85).
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
