package webhook

import (
	"context"
	"crypto/rand"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Probe sends a backend a signed batch without events, which it has to answer with 2xx as any other. It blocks for at
// most the timeout of the configuration. Errors hold nothing that was sent, nor the URL.
func Probe(ctx context.Context, cfg Config, tenant string) error {
	cfg = cfg.withDefaults()
	by := newClient(&cfg)
	defer by.CloseIdleConnections()
	body := append(rawjson.AppendText([]byte(`{"tenant":`), tenant), `,"epoch":"probe","lost":0,"events":[]}`...)
	_, err := send(ctx, by, &cfg, &batch{id: "probe-" + rand.Text(), body: body})
	return err
}
