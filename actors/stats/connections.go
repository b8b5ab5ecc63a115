package stats

import "time"

// Connections are the statistics of some connections: those of a tenant, or of one dialect in it.
type Connections struct {
	// TotalConnections only grows: a connection that switches its dialect counts in both, and once in its tenant.
	TotalConnections, ActiveConnections, Authenticated uint64
	MessagesReceived, MessagesSent                     uint64
	BytesReceived, BytesSent                           uint64
	// Lifetime is the summed duration of all connections so far, including those that are open.
	Lifetime time.Duration
}

// Add adds the statistics of others.
func (c *Connections) Add(others Connections) {
	c.TotalConnections += others.TotalConnections
	c.ActiveConnections += others.ActiveConnections
	c.Authenticated += others.Authenticated
	c.MessagesReceived += others.MessagesReceived
	c.MessagesSent += others.MessagesSent
	c.BytesReceived += others.BytesReceived
	c.BytesSent += others.BytesSent
	c.Lifetime += others.Lifetime
}

// Tenant are a tenant's statistics since the node started: the sums, and those of each dialect by name.
type Tenant struct {
	Connections
	Dialects map[string]Connections
	// Suspended says that the tenant is switched off.
	Suspended bool
}
