package config

import (
	"fmt"
	"time"
)

// checkTimeouts warns of times that do not go together: the server works, but not as a setting says.
func checkTimeouts(c *Config, d *Diagnostics) {
	key := "engine.ping_every"
	if c.Engine.Timeout != 0 {
		key = "engine.timeout"
	}
	for i := range c.Protocols {
		if !c.Protocols[i].Settings.On() {
			continue
		}
		for _, dialect := range c.Protocols[i].Settings.Dialects() {
			if silent, need := c.Engine.SilentAfter(), dialect.Limits().Unread; silent < need {
				d.addWarning(key, fmt.Sprintf("takes a peer for gone that was silent for %s; clients of %s do not "+
					"read while they work, so they have %s", silent, dialect.Name(), need))
			}
		}
	}
	for i := range c.Tenants {
		budget := c.Tenants[i].Introspection.WithDefaults().Budget
		if c.Tenants[i].Introspection.Enabled() && budget > c.Engine.RequestTimeout {
			d.addWarning(fmt.Sprintf("tenants[%d].introspection.budget", i),
				fmt.Sprintf("is %s, and a client waits no longer than engine.request_timeout, %s", budget,
					c.Engine.RequestTimeout.Round(time.Millisecond)))
		}
	}
}
