package config

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/protocol/authentik"
)

// checkPatience warns of times that do not go together: the server works, but not as a setting says.
func (l *Loaded) checkPatience() {
	c := &l.Config
	key := "engine.ping_every"
	if c.Engine.Timeout != 0 {
		key = "engine.timeout"
	}
	need := authentik.NewOutpost(c.Authentik.Config).Limits().Unread
	if silent := c.Engine.SilentAfter(); c.Authentik.Enabled && silent < need {
		l.warn(key, fmt.Sprintf("takes a peer for gone that was silent for %s; outposts of authentik do not read while they work, so they have %s", silent, need))
	}
	for i := range c.Tenants {
		budget := c.Tenants[i].Introspection.WithDefaults().Budget
		if c.Tenants[i].Introspection.Enabled() && budget > c.Engine.RequestTimeout {
			l.warn(fmt.Sprintf("tenants[%d].introspection.budget", i),
				fmt.Sprintf("is %s, and a client waits no longer than engine.request_timeout, %s", budget, c.Engine.RequestTimeout.Round(time.Millisecond)))
		}
	}
}
