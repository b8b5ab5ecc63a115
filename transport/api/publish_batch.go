package api

import (
	"context"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// batch does POST /api/v1/batch: it publishes the items in turn. A body that cannot be read publishes nothing; after
// that each item stands for itself, and a refused one does not stop those behind it.
func (a *API) batch(ctx context.Context, rc *requestContext) error {
	if err := rc.readBody(a.cfg.MaxBody, a.cfg.RequestTimeout); err != nil {
		return err
	}
	items, err := a.parseBatch(rc.body)
	if err != nil {
		return err
	}
	rc.charge(len(items) - 1)
	rc.out = append(rc.out, `{"results":[`...)
	b := batch{api: a, rc: rc}
	for _, raw := range items {
		b.add(ctx, raw)
	}
	b.flush(ctx)
	rc.out = append(rc.out, "]}"...)
	return nil
}

// batch publishes the items of a request in turn, and appends their answers. Events in a row for one topic go to the
// node together; before any other item, all that came before it are answered, so that everybody sees the items in their
// order.
type batch struct {
	api    *API
	rc     *requestContext
	target actors.Target // of the events that wait
	events []*protocol.Event
}

// maxRun is how many events go to the node together.
const maxRun = 32

// add does one item. Once the time is over it does not try the rest, so that an item that is answered as refused was
// not delivered.
func (b *batch) add(ctx context.Context, raw []byte) {
	if ctx.Err() != nil {
		b.flush(ctx)
		b.refuse(b.notTried())
		return
	}
	req, err := b.api.parsePublish("the publish", raw)
	if err != nil || !b.joins(&req) {
		b.flush(ctx)
	}
	switch {
	case err != nil:
		b.refuse(err)
	case req.target.Topic != "":
		b.target, b.events = req.target, append(b.events, req.event)
	default:
		b.separate()
		if b.rc.out, err = b.api.deliver(ctx, b.rc.tenant, req, b.rc.out); err != nil {
			b.append(err)
		}
	}
}

// joins reports whether an event may go to the node with those that wait.
func (b *batch) joins(req *publishRequest) bool {
	return req.target.Topic != "" && req.target.Topic == b.target.Topic && req.target.Exclude == b.target.Exclude &&
		len(b.events) < maxRun
}

// flush publishes the events that wait.
func (b *batch) flush(ctx context.Context) {
	if len(b.events) == 0 {
		return
	}
	b.api.node.PublishAll(ctx, b.rc.tenant, b.target, b.events, func(receipt actors.Receipt, err error) {
		switch {
		case err == nil:
			b.separate()
			b.rc.out = appendReceipt(b.rc.out, &receipt)
		case err == ctx.Err():
			b.refuse(b.notTried())
		default:
			b.refuse(err)
		}
	})
	clear(b.events)
	b.events = b.events[:0]
}

func (b *batch) notTried() error {
	return protocol.Refuse(protocol.Busy,
		"not tried: the batch took longer than %s; send the rest again", b.api.cfg.RequestTimeout)
}

// separate appends the comma between two answers.
func (b *batch) separate() {
	if b.rc.out[len(b.rc.out)-1] != '[' {
		b.rc.out = append(b.rc.out, ',')
	}
}

// refuse answers an item with an error.
func (b *batch) refuse(err error) {
	b.separate()
	b.append(err)
}

func (b *batch) append(err error) {
	refusal := b.api.refusal(err)
	b.api.counters.countRefusal(refusal.Reason)
	b.rc.out = appendRefusal(b.rc.out, refusal)
}

// parseBatch splits the body of a batch into its items.
func (a *API) parseBatch(body []byte) ([][]byte, error) {
	members, err := parseBody(body, []string{"publish"})
	if err != nil {
		return nil, err
	}
	items, ok := rawjson.Elements(rawjson.Find(members, "publish"))
	if !ok {
		return nil, protocol.Refuse(protocol.Malformed,
			`publish must be an array: {"publish":[{"topic":"...","event":{...}}]}`)
	}
	if len(items) > a.cfg.MaxBatch {
		return nil, protocol.Refuse(protocol.TooLarge,
			"publish has %d events; the limit of a batch is %d", len(items), a.cfg.MaxBatch)
	}
	return items, nil
}
