package api

import (
	"context"
	"strconv"

	"github.com/parley-realtime/parley/protocol"
)

// An authentik outpost fetches two documents before it dials its socket: which outposts its token is for, of which it
// takes the first, and the server's settings (spec R003.32). They have what its generated client demands and reads;
// providers, which are what an outpost works for, are not this server's to know.

// instances does GET /api/v3/outposts/instances/.
func (a *API) instances(ctx context.Context, x *exchange) error {
	uuids, err := a.outpostsOf(ctx, x)
	if err != nil {
		return err
	}
	count := strconv.Itoa(len(uuids))
	x.out = append(x.out, `{"pagination":{"next":0,"previous":0,"count":`+count+`,"current":1,"total_pages":1,"start_index":1,"end_index":`+count+`},"results":[`...)
	for i, uuid := range uuids {
		if i > 0 {
			x.out = append(x.out, ',')
		}
		x.out = appendTextMember(append(x.out, '{'), "pk", uuid)
		x.out = appendTextMember(x.out, "name", "outpost "+uuid)
		x.out = append(x.out, `,"type":"proxy","providers":[],"providers_obj":[],"service_connection":null,"service_connection_obj":null,`+
			`"refresh_interval_s":300`...)
		x.out = appendTextMember(x.out, "token_identifier", "ak-outpost-"+uuid+"-api")
		x.out = append(x.out, `,"config":{"log_level":"info"},"managed":null}`...) // older ones panic without a log_level
	}
	x.out = append(x.out, `],"autocomplete":{}}`...)
	return nil
}

// rootConfig does GET /api/v3/root/config/.
func (a *API) rootConfig(ctx context.Context, x *exchange) error {
	if _, err := a.outpostsOf(ctx, x); err != nil {
		return err
	}
	x.out = append(x.out, `{"error_reporting":{"enabled":false,"sentry_dsn":"","environment":"","send_pii":false,"traces_sample_rate":0},`+
		`"capabilities":[],"cache_timeout":300,"cache_timeout_flows":300,"cache_timeout_policies":300,"cache_timeout_reputation":300}`...)
	return nil
}

// outpostsOf are the outposts that the caller's token is for. Query parameters (page, ordering) are ignored: there is
// one page.
func (a *API) outpostsOf(ctx context.Context, x *exchange) ([]string, error) {
	if a.cfg.Outposts == nil {
		return nil, protocol.Refuse(protocol.NotFound, "no outposts are served here")
	}
	token, err := bearer(x.r)
	if err != nil {
		return nil, err
	}
	return a.cfg.Outposts.OutpostsOf(ctx, x.tenant, token)
}
