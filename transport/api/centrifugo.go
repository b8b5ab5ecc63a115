package api

import (
	"context"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api/centrifugo"
)

// centrifugoCall does POST /api/{method}, a call of Centrifugo's server API.
func (a *API) centrifugoCall(ctx context.Context, rc *requestContext) error {
	method := rc.r.PathValue("method")
	if !centrifugo.Has(method) {
		return protocol.Refuse(protocol.NotFound, "no such path; /openapi.json on the internal address lists all")
	}
	if err := rc.readBody(a.cfg.MaxBody, a.cfg.RequestTimeout); err != nil {
		return err
	}
	if err := checkBody(rc.body); err != nil {
		return err
	}
	rc.out = a.centrifugo().Call(ctx, rc.tenant, method, rc.body, rc.out)
	return nil
}

// centrifugoLines does POST /api, the older form of that API.
func (a *API) centrifugoLines(ctx context.Context, rc *requestContext) (err error) {
	if err := rc.readBody(a.cfg.MaxBody, a.cfg.RequestTimeout); err != nil {
		return err
	}
	rc.out, err = a.centrifugo().Lines(ctx, rc.tenant, rc.body, rc.out)
	return err
}

func (a *API) centrifugo() *centrifugo.Server {
	return &centrifugo.Server{Node: a.node, MaxEvent: a.cfg.MaxEvent}
}
