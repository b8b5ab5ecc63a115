package api

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// batch does POST /api/v1/batch: it publishes the items one after the other. A body that cannot be read publishes
// nothing; after that each item stands for itself, and a refused one does not stop those behind it.
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
	for i, raw := range items {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		if err := a.publishItem(ctx, rc, raw); err != nil {
			refusal := a.refusal(err)
			a.counters.countRefusal(refusal.Reason)
			rc.out = appendRefusal(rc.out, refusal)
		}
	}
	rc.out = append(rc.out, "]}"...)
	return nil
}

// publishItem does one publish of a batch. Once the time is over it does not try the rest, so that an item that is
// answered as refused was not delivered.
func (a *API) publishItem(ctx context.Context, rc *requestContext, raw []byte) error {
	if ctx.Err() != nil {
		return protocol.Refuse(protocol.Busy,
			"not tried: the batch took longer than %s; send the rest again", a.cfg.RequestTimeout)
	}
	req, err := a.parsePublish("the publish", raw)
	if err != nil {
		return err
	}
	rc.out, err = a.deliver(ctx, rc.tenant, req, rc.out)
	return err
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
