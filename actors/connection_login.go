package actors

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// This is the part of a connection that settles whose it is: its dialect, its tenant, its user.

// verify asks who shows a credential.
func (c *connection) verify(credential protocol.Credential) (*protocol.Identity, *protocol.Refusal) {
	ctx, done := c.request()
	defer done()
	id, err := c.node.auth.Authenticate(ctx, c.tenant().name, credential)
	if err != nil {
		return nil, protocol.AsRefusal(err)
	}
	return id, nil
}

// authenticate checks a credential and makes its identity the connection's. lost are the topics that it does not grant
// any more.
func (c *connection) authenticate(cmd protocol.Authenticate) (_ *protocol.Identity, lost []string, _ *protocol.Refusal) {
	id, why := c.verify(cmd.Credential)
	if why == nil {
		why = c.enter(id, cmd.IgnoreExpiry)
	}
	if why != nil {
		return nil, nil, why
	}
	lost = c.dropForbidden()
	c.schedule()
	return id, lost, nil
}

// enter makes id the connection's identity. The first one joins the user; later ones must be of the same user. A lasting
// one does not expire.
func (c *connection) enter(id *protocol.Identity, lasting bool) *protocol.Refusal {
	if before := c.identity.Load(); before != nil && c.registration.joined && (before.User != id.User || id.Tenant != "" && id.Tenant != c.tenant().name) {
		return protocol.Refuse(protocol.Forbidden, "the connection belongs to another user; open a new one")
	}
	if !c.registration.joined {
		if why := c.move(id); why != nil {
			return why
		}
		if why := c.registration.join(&c.Conn, &c.limits, id); why != nil {
			return why
		}
	}
	c.identity.Store(id)
	c.deadlines.expire(0)
	if !id.Expires.IsZero() && !lasting {
		c.deadlines.expire(c.node.wheel.Since(time.Now().Add(time.Until(id.Expires)))) // at most 292 years, whatever it says
	}
	return nil
}

// move brings a connection that came in without a tenant to that of its token.
func (c *connection) move(id *protocol.Identity) *protocol.Refusal {
	if id.Tenant == "" || id.Tenant == c.tenant().name {
		return nil
	}
	t, why := c.tenant().all.lookup(id.Tenant)
	if why == nil && isInternal(id.Tenant) {
		why = protocol.Refuse(protocol.Forbidden, "the token is of no tenant that is served here")
	}
	if why == nil {
		why = t.placement(c.dialect()).adopt(&c.Conn)
	}
	if why != nil {
		return why
	}
	c.limits.Leave()
	if t.revoked.Cover(id, time.Now()) { // since its check, when the tenant did not know the connection yet
		return &protocol.Refusal{Reason: protocol.Revoked}
	}
	return nil
}

// become makes the connection one of another dialect. Should there be no room for it, it ends in that dialect's words.
func (c *connection) switchDialect(cmd protocol.SwitchDialect) {
	if c.registration.joined {
		panic("a connection that belongs to a user cannot become another dialect")
	}
	c.session = cmd.Session
	limits, now := cmd.Dialect.Limits(), time.Now()
	c.limits.Refund(c.dialect(), c.remote, now)
	c.limits.Renew(c.tenant().limits)
	why := c.tenant().placement(cmd.Dialect).adopt(&c.Conn)
	if why == nil {
		why = c.tenant().limits.AdmitAddress(cmd.Dialect, c.remote, now)
	}
	if why != nil {
		c.node.dropped(why.Reason, 1)
		c.end(endConnection{why: why})
		return
	}
	c.deadlines.expire(0)
	if limits.Login > 0 {
		c.deadlines.expire(c.node.wheel.Since(now.Add(limits.Login)))
	}
	c.schedule()
}
