package api

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// batch does POST /api/v1/batch: publishes one after the other, in their order. A body that cannot be read publishes
// nothing; after that each publish stands for itself, and a refused one stops none that follow.
func (a *API) batch(ctx context.Context, x *exchange) error {
	if err := x.read(a.cfg.MaxBody, a.cfg.RequestTimeout); err != nil {
		return err
	}
	orders, err := a.orders(x.in)
	if err != nil {
		return err
	}
	x.charge(len(orders) - 1)
	x.out = append(x.out, `{"results":[`...)
	for i, raw := range orders {
		if i > 0 {
			x.out = append(x.out, ',')
		}
		if err := a.item(ctx, x, raw); err != nil {
			why := a.refusal(err)
			a.meter.refused(why.Reason)
			x.out = appendRefusal(x.out, why)
		}
	}
	x.out = append(x.out, "]}"...)
	return nil
}

// item does one publish of a batch. Once the time is over the rest is not even tried, so that what is answered as
// refused was not delivered either.
func (a *API) item(ctx context.Context, x *exchange, raw []byte) error {
	if ctx.Err() != nil {
		return protocol.Refuse(protocol.Busy, "not tried: the batch took longer than %s; send the rest again", a.cfg.RequestTimeout)
	}
	o, err := a.order("the publish", raw)
	if err != nil {
		return err
	}
	x.out, err = a.deliver(ctx, x.tenant, o, x.out)
	return err
}

// orders splits the body of a batch into its publishes.
func (a *API) orders(body []byte) ([][]byte, error) {
	members, err := readBody(body, []string{"publish"})
	if err != nil {
		return nil, err
	}
	orders, ok := rawjson.Elements(rawjson.Find(members, "publish"))
	if !ok {
		return nil, protocol.Refuse(protocol.Malformed, `publish must be an array: {"publish":[{"topic":"...","event":{...}}]}`)
	}
	if len(orders) > a.cfg.MaxBatch {
		return nil, protocol.Refuse(protocol.TooLarge, "publish has %d events; the limit of a batch is %d", len(orders), a.cfg.MaxBatch)
	}
	return orders, nil
}
