package api

import (
	"context"
	"strconv"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// publish does POST /api/v1/publish.
func (a *API) publish(ctx context.Context, rc *requestContext) error {
	if err := rc.readBody(min(a.cfg.MaxBody, a.cfg.MaxEvent+publishOverhead), a.cfg.RequestTimeout); err != nil {
		return err
	}
	if err := checkBody(rc.body); err != nil {
		return err
	}
	req, err := a.parsePublish("the body", rc.body)
	if err != nil {
		return err
	}
	rc.withDetail = req.expectsReply() // such a backend reads a detail
	rc.out, err = a.deliver(ctx, rc.tenant, req, rc.out)
	return err
}

// deliver publishes, and appends the answer to dst. It waits until the node has taken the event, or ctx ends.
func (a *API) deliver(ctx context.Context, tenant string, req publishRequest, dst []byte) ([]byte, error) {
	receipt, err := a.node.Publish(ctx, tenant, req.target, req.event)
	if err != nil {
		return dst, err
	}
	if receipt.Delivered == 0 && req.expectsReply() {
		return dst, protocol.Refuse(protocol.Malformed, "No WebSocket connection for user %s", req.target.Users[0])
	}
	if req.target.Topic == "" {
		dst = append(dst, `{"delivered":`...)
		dst = strconv.AppendInt(dst, int64(receipt.Delivered), 10)
		return append(appendTextMember(dst, "id", receipt.ID), '}'), nil
	}
	return appendReceipt(dst, &receipt), nil
}

// expectsReply reports whether the backend is about to wait for the user's answer to this event (spec R002.18): a user
// without a connection is an error then. Notify's clients know the message by exactly this text.
func (req *publishRequest) expectsReply() bool {
	return req.toOneUser && req.event.Kind == protocol.JSON && req.event.Text("message") == "MFA_REQUIRED"
}

func appendReceipt(dst []byte, r *actors.Receipt) []byte {
	dst = appendTextMember(append(dst, '{'), "topic", r.Topic)
	dst = appendTextMember(dst, "epoch", r.Position.Epoch)
	dst = appendCount(dst, "offset", r.Position.Offset)
	dst = appendTextMember(dst, "id", r.ID)
	dst = strconv.AppendBool(appendMember(dst, "duplicate"), r.Duplicate)
	return append(appendCount(dst, "delivered", r.Delivered), '}')
}
