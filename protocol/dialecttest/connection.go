package dialecttest

import (
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parley-realtime/parley/protocol"
)

// Connection is one connection of an Engine.
type Connection struct {
	engine       *Engine
	dialect      protocol.Dialect
	session      protocol.Session
	number       uint64
	opened       time.Time
	identity     *protocol.Identity
	ignoreExpiry bool // it outlives its token
	view         protocol.Projection
	viewAs       *protocol.Identity // whose right view stands on; nil is the connection's own
	topics       []*subscription
	tickEvery    time.Duration // between two ticks, 0 for none
	tickAt       time.Time     // the next one
	second       time.Time     // the second in which messages are counted
	messages     int
	arrived      []Arrival
	over         bool
}

// Send implements Client.
func (c *Connection) Send(data []byte, binary bool) {
	if c.over {
		return
	}
	e, limits := c.engine, c.dialect.Limits()
	if limits.Frame > 0 && len(data) > limits.Frame {
		c.end(protocol.Close{Code: protocol.TooLarge.CloseCode(), Reason: string(protocol.TooLarge)})
		return
	}
	messages, commands := c.session.Receive(e.now, protocol.ClientMessage{Data: data, Binary: binary})
	if messages < 1 {
		e.t.Errorf("a frame counts as %d messages; it is at least one: %.100q", messages, data)
	}
	if e.now.Sub(c.second) >= time.Second {
		c.second, c.messages = e.now, 0
	}
	if c.messages += messages; limits.Rate > 0 && c.messages > max(limits.Rate, limits.Burst) {
		c.reject(protocol.Refuse(protocol.RateLimited, "more than %d messages in a second", limits.Rate), true)
		return
	}
	c.do(commands)
}

// Receive implements Client.
func (c *Connection) Receive(within time.Duration) (Arrival, bool) {
	for end := c.engine.now.Add(within); len(c.arrived) == 0; {
		if !c.engine.step(end) {
			c.engine.now = end
			return Arrival{}, false
		}
	}
	first := c.arrived[0]
	c.arrived = c.arrived[1:]
	return first, true
}

// Leave implements Client.
func (c *Connection) Leave() {
	watch(c, "", func() { c.over = true })
	c.arrived = nil
}

// Topics are what the connection has subscribed to.
func (c *Connection) Topics() []string {
	var names []string
	for _, s := range c.topics {
		names = append(names, s.topic)
	}
	return names
}

// Reject is a refusal that comes from the engine.
func (c *Connection) Reject(refusal *protocol.Refusal, final bool) { c.reject(refusal, final) }

func (c *Connection) reject(refusal *protocol.Refusal, final bool) {
	if c.over {
		return
	}
	commands := c.session.OnReject(c.engine.now, refusal, final)
	if final {
		if len(commands) == 0 {
			c.engine.t.Fatalf("a final refusal (%s) got no commands", refusal.Reason)
		}
		if _, ok := commands[len(commands)-1].(protocol.Close); !ok {
			c.engine.t.Fatalf("a final refusal (%s) does not end with a Close", refusal.Reason)
		}
	}
	c.do(commands)
}

// do does commands in order; what an answer asks for comes before what still waits.
func (c *Connection) do(commands []protocol.Command) {
	for _, command := range commands {
		if c.over {
			return
		}
		if outcome, ok := c.run(command); ok && !c.over {
			outcome.Now = c.engine.now
			c.do(c.session.Answer(command, outcome))
		}
	}
}

// run does one command. It reports whether there is an outcome.
func (c *Connection) run(command protocol.Command) (outcome protocol.Outcome, has bool) {
	switch command := command.(type) {
	case protocol.Send:
		c.emit(command)
		return outcome, false
	case protocol.Close:
		c.end(command)
		return outcome, false
	case protocol.SetInterval:
		c.tickEvery, c.tickAt = command.Every, c.engine.now.Add(command.Every)
		return outcome, false
	case protocol.Report:
		c.engine.Reports = append(c.engine.Reports, command)
		return outcome, false
	case protocol.Announce:
		c.engine.Announced = append(c.engine.Announced, command)
		return outcome, false
	case protocol.SetEventView:
		c.view = command.View
		if command.As != nil {
			c.viewAs = command.As
		}
		return outcome, false
	case protocol.SwitchDialect:
		c.dialect, c.session = command.Dialect, command.Session
		c.opened = c.engine.now // its time to authenticate begins
		return outcome, false
	case protocol.Authenticate:
		outcome.Identity, outcome.Err = c.authenticate(command)
	case protocol.Verify:
		outcome.Identity, outcome.Err = c.engine.identify(command.Credential)
	case protocol.Subscribe:
		outcome, has = c.subscribe(command)
		return outcome, has
	case protocol.Publish:
		outcome = c.publish(command)
	case protocol.ReadMembers:
		outcome.Members = present(c.engine, command.Topic)
	case protocol.ReadHistory:
		outcome = c.readHistory(command)
	case protocol.Unsubscribe:
		c.unsubscribe(command)
	case protocol.CountConnections:
		outcome.Count = c.engine.count(c.dialect.Name(), func(*protocol.Identity) bool { return true })
	default:
		c.engine.t.Errorf("unknown command %T", command)
	}
	return outcome, true
}

// authenticate gives the connection an identity, or another one of the same user.
func (c *Connection) authenticate(command protocol.Authenticate) (*protocol.Identity, *protocol.Refusal) {
	id, refusal := c.engine.identify(command.Credential)
	if refusal != nil {
		return nil, refusal
	}
	signsIn := c.identity != nil && c.identity.User == "" && c.identity.Key == id.Key &&
		id.Key != protocol.KeyFingerprint{}
	if c.identity != nil && c.identity.User != id.User && !signsIn {
		return nil, protocol.Refuse(protocol.Forbidden, "the connection belongs to another user; open a new one")
	}
	most := c.dialect.Limits().PerUser
	if c.identity == nil && id.User != "" && most > 0 &&
		c.engine.count(c.dialect.Name(), func(other *protocol.Identity) bool { return other.User == id.User }) >= most {
		return nil, protocol.Refuse(protocol.TooMany, "more than %d connections of one user", most)
	}
	c.identity, c.ignoreExpiry = id, command.IgnoreExpiry
	return id, nil
}

// emit holds a message against what every client may rely on.
func (c *Connection) emit(say protocol.Send) {
	if !say.Binary && (!utf8.Valid(say.Text) || !jsontext.Value(say.Text).IsValid()) {
		c.engine.t.Errorf("what is said is no valid JSON: %.200q", say.Text)
	}
	c.arrived = append(c.arrived, Arrival{Data: append([]byte(nil), say.Text...), Binary: say.Binary})
}

// end holds a close against RFC 6455 section 7.4 and ends the connection.
func (c *Connection) end(end protocol.Close) {
	if end.Code < 1000 || end.Code == 1005 || end.Code == 1006 || end.Code > 4999 || len(end.Reason) > 123 {
		c.engine.t.Errorf("a close that may not be sent: %d %q", end.Code, end.Reason)
	}
	c.arrived = append(c.arrived, Arrival{Closed: true, Code: int(end.Code), Reason: end.Reason})
	watch(c, "", func() { c.over = true })
}

// due is when something is to be done next, zero for never.
func (c *Connection) due() time.Time {
	var next time.Time
	sooner := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if login := c.dialect.Limits().Login; c.identity == nil && login > 0 {
		sooner(c.opened.Add(login))
	}
	if c.identity != nil && !c.ignoreExpiry {
		sooner(c.identity.Expires)
	}
	if c.tickEvery > 0 {
		sooner(c.tickAt)
	}
	for _, right := range c.rights() {
		sooner(right.Expires)
	}
	for _, s := range c.topics {
		for _, h := range s.held {
			if h.waiting != nil {
				sooner(h.last.Add(s.filter.Every))
			}
		}
	}
	return next
}

// rights are those that something of the connection stands on, beside its own.
func (c *Connection) rights() (all []*protocol.Identity) {
	if c.viewAs != nil {
		all = append(all, c.viewAs)
	}
	for _, s := range c.topics {
		if s.by != nil {
			all = append(all, s.by)
		}
	}
	return all
}

// tick does everything that is due.
func (c *Connection) tick() {
	now := c.engine.now
	switch login := c.dialect.Limits().Login; {
	case c.identity == nil && login > 0 && !now.Before(c.opened.Add(login)):
		c.reject(protocol.Refuse(protocol.AuthTimeout, "no valid token within %s", login), true)
		return
	case c.identity != nil && !c.ignoreExpiry && !c.identity.Expires.IsZero() && !now.Before(c.identity.Expires):
		c.reject(protocol.Refuse(protocol.TokenExpired, ""), true)
		return
	}
	c.withdraw(func(id *protocol.Identity) bool { return !id.Expires.IsZero() && !now.Before(id.Expires) },
		protocol.TokenExpired)
	if c.tickEvery > 0 && !now.Before(c.tickAt) {
		c.tickAt = c.tickAt.Add(c.tickEvery)
		c.do(c.session.OnTick(now))
	}
	for _, s := range c.topics {
		c.release(s)
	}
}
