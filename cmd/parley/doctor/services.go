package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/cmd/parley/client"
)

var token = check{
	name: "token", what: "whether the server takes the token",
	wanted: "it lets the client in",
	fix:    "another token (parley token --config F --user U); keys of the tenant; the clocks, if it says expired",
	look: func(ctx context.Context, s *Setup) outcome {
		if s.Token == "" {
			return skipped("there is none: --token or a context has one")
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for _, name := range s.Dialects.Names() {
			d := s.Dialects[name]
			if !d.ExplainsTokens {
				continue
			}
			entered := false
			err := client.Listen(ctx, client.ListenOptions{Base: s.API.Base, Token: s.Token, Dialect: name, Client: d,
				Print: func([]byte) error { return nil }, Admitted: func() { entered = true; cancel() }})
			refused, ok := errors.AsType[*client.Refused](err)
			switch {
			case entered:
				return well(name + " lets it in")
			case ok && refused.NotServed:
				continue
			case ok && s.TokenMade:
				return skipped("the server is not in dev mode: --token or a context has one")
			case ok:
				return wrong(refused.Why)
			}
			return unknown(fmt.Sprint(err))
		}
		return skipped("the server speaks no protocol that says what is wrong with a token")
	},
}

var keySets = check{
	name: "jwks", what: "whether the key sets of identity providers can be fetched and used",
	wanted: "each of them",
	fix:    "tenants[].keys[].jwks_url, the way there (DNS, firewall), or SSL_CERT_FILE for an authority of your own",
	look: func(ctx context.Context, s *Setup) outcome {
		if s.KeySets == 0 {
			return skipped("no jwks_url is configured: --config names a configuration")
		}
		if problems := s.ProbeKeySets(ctx); len(problems) > 0 {
			return wrong(strings.Join(problems, "; "))
		}
		return well(fmt.Sprintf("%d of %d", s.KeySets, s.KeySets))
	},
}

var webhooks = check{
	name: "webhook", what: "whether the backends of tenants take what clients do",
	wanted: "2xx for a batch without events",
	fix:    "tenants[].lifecycle.webhook.url and secret, or the backend",
	look: func(ctx context.Context, s *Setup) outcome {
		if len(s.Webhooks) == 0 {
			return skipped("no webhook is configured: --config names a configuration")
		}
		var failed []string
		for _, tenant := range slices.Sorted(maps.Keys(s.Webhooks)) {
			if err := s.Webhooks[tenant](ctx); err != nil {
				failed = append(failed, tenant+": "+err.Error())
			}
		}
		if failed != nil {
			return wrong(strings.Join(failed, "; "))
		}
		return well(fmt.Sprintf("%d of %d", len(s.Webhooks), len(s.Webhooks)))
	},
}
