package config

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// The constants of dev mode. They are public knowledge: dev mode serves loopback alone.
const (
	DevTenant = "dev"
	DevAPIKey = "dev"
	DevSecret = "parley-dev-secret-not-for-production"
	// The one app.
	DevAppID     = "1"
	DevAppKey    = "dev"
	DevAppSecret = "dev-secret"
	// DevOutpostToken is the token of any outpost.
	DevOutpostToken = "dev"
	// DevOutpost is what an outpost hears that asks what its token is for.
	DevOutpost = "0b5d8d2c-6f1c-4a86-9f0a-2a7d9a1b3c4d"
)

// Unlimited is a limit on connections that no server reaches.
const Unlimited = 1 << 30

// applyDevDefaults turns the defaults into those of dev mode; file, environment and flags still win.
func applyDevDefaults(c *Config) {
	c.InternalListen = ""
	c.Drain = 2 * time.Second
	c.Feed = true
	c.Engine.Unauthenticated, c.Engine.UnauthenticatedPerAddress = Unlimited, Unlimited
	c.Engine.InboxCount = 100
	c.API.Faults = true
	c.WebSocket.LoopbackOrigins = true // a page under development is served from a port of its own
	for i := range c.Protocols {
		if s, ok := c.Protocols[i].Settings.(protocol.DevSettings); ok {
			s.Develop()
		}
	}
	c.Tenants = []Tenant{{
		Name:      DevTenant,
		APIKeys:   []string{DevAPIKey},
		Keys:      []Key{{Alg: "HS256", Secret: DevSecret}},
		UserClaim: []string{"sub", "data.id"},
		Leeway:    10 * time.Second,
		// The one secret makes session cookies, too: as a token, and as AUTHENTIK_SECRET_KEY.
		Cookie:          Cookie{SecretKeys: []string{DevSecret}, Tokens: true},
		Outposts:        []Outpost{{UUID: auth.AnyOutpost, Token: DevOutpostToken}},
		Apps:            []App{{ID: DevAppID, Key: DevAppKey, Secret: DevAppSecret, ClientEvents: true}},
		AllowUnverified: true,
	}}
}
