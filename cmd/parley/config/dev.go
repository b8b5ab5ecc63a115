package config

import "time"

// The constants of dev mode. They are public knowledge: dev mode serves loopback alone.
const (
	DevTenant = "dev"
	DevAPIKey = "dev"
	DevSecret = "parley-dev-secret-not-for-production"
)

// develop turns the defaults into those of dev mode; file, environment and flags still win.
func (c *Config) develop() {
	c.InternalListen = ""
	c.Drain = 2 * time.Second
	c.Feed = true
	c.Valtronics.Connections, c.Valtronics.ConnectionsPerUser, c.Valtronics.ConnectsPerMinute = 0, 0, 0
	c.Tenants = []Tenant{{
		Name:      DevTenant,
		APIKeys:   []string{DevAPIKey},
		Keys:      []Key{{Alg: "HS256", Secret: DevSecret}},
		UserClaim: []string{"sub", "data.id"},
		Leeway:    10 * time.Second,
	}}
}
