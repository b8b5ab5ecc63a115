package api

import (
	"context"
	"strconv"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// publish does POST /api/v1/publish.
func (a *API) publish(ctx context.Context, x *exchange) error {
	if err := x.read(min(a.cfg.MaxBody, a.cfg.MaxEvent+envelope), a.cfg.RequestTimeout); err != nil {
		return err
	}
	if err := checkBody(x.in); err != nil {
		return err
	}
	o, err := a.order("the body", x.in)
	if err != nil {
		return err
	}
	x.own = o.waits() // its backend reads a detail
	x.out, err = a.deliver(ctx, x.tenant, o, x.out)
	return err
}

// deliver publishes, and appends the answer to dst.
func (a *API) deliver(ctx context.Context, tenant string, o order, dst []byte) ([]byte, error) {
	receipt, err := a.node.Publish(ctx, tenant, o.to, o.event)
	if err != nil {
		return dst, err
	}
	if receipt.Delivered == 0 && o.waits() {
		return dst, protocol.Refuse(protocol.Malformed, "No WebSocket connection for user %s", o.to.Users[0])
	}
	if o.to.Topic == "" {
		dst = append(dst, `{"delivered":`...)
		dst = strconv.AppendInt(dst, int64(receipt.Delivered), 10)
		return append(appendTextMember(dst, "id", receipt.ID), '}'), nil
	}
	return appendReceipt(dst, &receipt), nil
}

// waits reports whether the backend is about to wait for what the user will answer to this event (spec R002.18): then
// nobody to answer is an error. Notify's clients know the message by exactly this text.
func (o *order) waits() bool {
	return o.single && o.event.Kind == protocol.JSON && o.event.Text("message") == "MFA_REQUIRED"
}

func appendReceipt(dst []byte, r *actors.Receipt) []byte {
	dst = appendTextMember(append(dst, '{'), "topic", r.Topic)
	dst = appendTextMember(dst, "epoch", r.Position.Epoch)
	dst = appendCount(dst, "offset", r.Position.Offset)
	dst = appendTextMember(dst, "id", r.ID)
	dst = strconv.AppendBool(appendMember(dst, "duplicate"), r.Duplicate)
	return append(appendCount(dst, "delivered", r.Delivered), '}')
}
