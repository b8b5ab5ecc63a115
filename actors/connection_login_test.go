package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

func TestSwitchDialect_MovesAConnectionToAnotherDialectWithItsLimitsAndCounts(t *testing.T) {
	first := &speech{name: "first", limits: protocol.Limits{Connects: 3}}
	second := &speech{name: "second", limits: protocol.Limits{Connects: 3, Login: 10 * time.Second, Connections: 2,
		Rate: 5, Frame: 3},
		encode: func(*protocol.Event, protocol.Projection) []byte { return []byte("second's words") }}
	g := &gateway{}
	g.know("ann", someone("ann"))
	guarded(t, Config{}, g, func(n *Node) {
		switched := func() (before, after *client) {
			if err := n.Admit("acme", first, "192.0.2.1", nil); err != nil {
				t.Fatalf("Admit: %v", err)
			}
			before = enter(t, n, first, nil)
			after = &client{before.tape, &hand{}}
			before.send(batch{messages: 1,
				commands: []protocol.Command{protocol.SwitchDialect{Dialect: second, Session: after.hand}}})
			synctest.Wait()
			return before, after
		}
		_, a := switched()
		if out := a.do(login("ann")); out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
		a.subscribe(t, "room")
		mustPublish(t, n, "room", jsonEvent(t, "", 1))
		synctest.Wait()
		a.wantHeard(t, "second's words")
		s := n.Stats("acme")
		if d := s.Dialects["second"]; d.ActiveConnections != 1 || d.Authenticated != 1 || d.TotalConnections != 1 ||
			d.MessagesSent != 1 || s.Dialects["first"] != (stats.Connections{TotalConnections: 1}) ||
			s.TotalConnections != 1 {
			t.Errorf("%+v", s.Dialects)
		}
		_, late := switched()
		_, third := switched() // no room for it
		third.wantEnd(t, protocol.Busy)
		third.wantHeard(t, "bye: busy")
		time.Sleep(10*time.Second + timer.Granularity)
		synctest.Wait()
		late.wantEnd(t, protocol.AuthTimeout)
		a.link.Receive([]byte("four"), false)
		synctest.Wait()
		a.wantEnd(t, protocol.TooLarge)
		if s := n.Stats("acme"); s.ActiveConnections != 0 || s.Authenticated != 0 {
			t.Errorf("at the end: %+v", s.Dialects)
		}
	})
}

func TestLogin_BringsAConnectionToTheTenantOfItsTokenAndNowhereElse(t *testing.T) {
	d := &speech{name: "words", limits: protocol.Limits{Connects: 3}}
	g := &gateway{}
	for _, tenant := range []string{"acme", "other", "none", canaryTenant, "\x00lobby"} {
		id := someone("ann")
		id.Tenant = tenant
		g.know(tenant, id)
	}
	g.know("no tenant", someone("ann"))
	guarded(t, Config{}, g, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "\x00lobby"})
		n.SetTenant(TenantConfig{Name: "other", Connections: 1})
		come := func(token string) (*client, *protocol.Refusal) {
			if err := n.Admit("\x00lobby", d, "192.0.2.1", nil); err != nil {
				t.Fatalf("Admit: %v", err)
			}
			c := &client{&tape{}, &hand{}}
			_, err := n.Connect(ConnectOptions{Tenant: "\x00lobby", Dialect: d, Session: c.hand, Remote: "192.0.2.1"},
				func(l *Conn) outbox.Transport {
					c.link = l
					return c.tape
				})
			if err != nil {
				t.Fatal(err)
			}
			return c, c.do(login(token))[0].Err
		}
		c, refusal := come("acme")
		if refusal != nil {
			t.Fatal(refusal)
		}
		for range 2 { // good logins are no load on the address
			x, err := come("acme")
			if err != nil {
				t.Fatal(err)
			}
			x.link.Gone(protocol.Disconnected)
			synctest.Wait()
		}
		c.subscribe(t, "room")
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 1)); r.Delivered != 1 {
			t.Errorf("%+v", r)
		}
		if info, err := n.Connection(context.Background(), "acme", c.link.ID()); err != nil || info.Tenant != "acme" {
			t.Errorf("%+v, %v", info, err)
		}
		if out := c.do(login("other")); reasonOf(out[0].Err) != protocol.Forbidden {
			t.Errorf("to another tenant once it belongs to one: %v", out[0].Err)
		}
		for _, token := range []string{"none", canaryTenant} {
			x, err := come(token)
			if err == nil {
				t.Errorf("%q let it in", token)
			}
			x.link.Gone(protocol.Disconnected)
		}
		synctest.Wait()
		if s := n.Stats("acme"); s.ActiveConnections != 1 || s.Authenticated != 1 || s.TotalConnections != 3 {
			t.Errorf("acme: %+v", s.Connections)
		}
		// it only grows
		if s := n.Stats("\x00lobby"); s.ActiveConnections != 0 || s.Authenticated != 0 || s.TotalConnections < 3 {
			t.Errorf("the lobby: %+v", s.Connections)
		}
		if n.Stats(canaryTenant).ActiveConnections != uint64(len(n.canaries)) || len(n.Tenants()) != 2 {
			t.Errorf("tenants: %q", n.Tenants())
		}
		closed, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"})
		if closed != 1 || err != nil {
			t.Errorf("revoked %d, %v", closed, err)
		}
	})
}

func TestVerify_NamesTheUserOfACredentialAndChangesNothing(t *testing.T) {
	g := &gateway{}
	g.know("bob", someone("bob"))
	g.know("owner", &protocol.Identity{User: "owner", Topics: []protocol.Pattern{"lent"}})
	guarded(t, Config{}, g, func(n *Node) {
		c := enter(t, n, words, &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"own"}})
		verify := func(token string) protocol.Outcome {
			return c.do(protocol.Verify{Credential: protocol.Credential{Token: token}})[0]
		}
		if out := verify("bob"); out.Err != nil || out.Identity.User != "bob" || c.link.user() != "ann" {
			t.Errorf("%+v, now %s", out, c.link.user())
		}
		if out := verify("bad"); reasonOf(out.Err) != protocol.InvalidToken || out.Identity != nil {
			t.Errorf("%+v", out)
		}
		// A subscription by somebody else's right outlives a refresh; it is not taken for the connection's own.
		owner := verify("owner").Identity
		for topic, want := range map[string]protocol.Reason{"lent": "", "own": protocol.Forbidden} {
			if out := c.do(protocol.Subscribe{Topic: topic, As: owner}); reasonOf(out[0].Err) != want {
				t.Errorf("%s by the owner's right: %v", topic, out[0].Err)
			}
		}
		c.subscribe(t, "own")
		c.mild = true
		g.know("less", &protocol.Identity{User: "ann"})
		if out := c.do(login("less")); out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
		info, err := n.Connection(context.Background(), "acme", c.link.ID())
		if err != nil || fmt.Sprint(info.Subscriptions) != "[lent]" {
			t.Errorf("%v, %v", info.Subscriptions, err)
		}
	})
}

func TestIgnoreExpiry_AConnectionOutlivesItsToken(t *testing.T) {
	g := &gateway{}
	guarded(t, Config{Timeout: 24 * time.Hour}, g, func(n *Node) {
		id := someone("ann")
		id.Expires = time.Now().Add(time.Minute)
		g.know("short", id)
		ignoreExpiry, other := enter(t, n, words, nil), enter(t, n, words, nil)
		ignoreExpiry.do(protocol.Authenticate{Credential: protocol.Credential{Token: "short"}, IgnoreExpiry: true})
		other.do(login("short"))
		time.Sleep(time.Hour)
		synctest.Wait()
		other.wantEnd(t, protocol.TokenExpired)
		if ignoreExpiry.link.flags.has(isGone) {
			t.Error("it ended with its token")
		}
	})
}

func TestSetEventView_ProjectsEventsToTheUserAndToAll(t *testing.T) {
	shown := &speech{name: "shown", encode: func(ev *protocol.Event, v protocol.Projection) []byte {
		return fmt.Appendf(nil, "%q", v)
	}}
	bubble(t, Config{}, func(n *Node) {
		c, all := enter(t, n, shown, someone("ann")), enter(t, n, shown, someone("ann"))
		v := protocol.Project([]string{"a"})
		c.do(protocol.SetEventView{View: v})
		synctest.Wait()
		for _, to := range []Target{{Users: []string{"ann"}}, {All: true}} {
			if r, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "", 1)); err != nil ||
				r.Delivered != 2 {
				t.Errorf("%+v, %v", r, err)
			}
		}
		synctest.Wait()
		want := fmt.Sprintf("%q", v)
		c.wantHeard(t, want, want)
		all.wantHeard(t, `""`, `""`)
	})
}

// A connection that becomes another dialect's is one connection of the tenant, and not two.
func TestSwitchDialect_CountsOnceAgainstTheTenantsLimit(t *testing.T) {
	first, second := &speech{name: "first"}, &speech{name: "second"}
	g := &gateway{}
	g.know("ann", someone("ann"))
	guarded(t, Config{}, g, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Connections: 1})
		synctest.Wait()
		before := enter(t, n, first, nil)
		after := &client{before.tape, &hand{}}
		before.send(batch{messages: 1,
			commands: []protocol.Command{protocol.SwitchDialect{Dialect: second, Session: after.hand}}})
		synctest.Wait()
		if out := after.do(login("ann")); out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
		if err := n.Admit("acme", first, "192.0.2.1", nil); reasonOf(err) != protocol.Busy {
			t.Errorf("one more: %v", err)
		}
	})
}

// A connection that was nobody's becomes a user's, once, where one app stands behind both.
func TestAuthenticate_AnAppsClientSignsIn(t *testing.T) {
	g := &gateway{}
	app := protocol.KeyFingerprint{1}
	g.know("key", &protocol.Identity{Topics: []protocol.Pattern{"*"}, Key: app})
	g.know("ann", &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"*"}, Key: app})
	g.know("bob", &protocol.Identity{User: "bob", Key: app})
	g.know("eve", &protocol.Identity{User: "eve", Key: protocol.KeyFingerprint{2}})
	d := &speech{name: "d"}
	guarded(t, Config{}, g, func(n *Node) {
		c := enter(t, n, d, nil)
		for _, step := range []struct {
			token string
			want  protocol.Reason
			user  string
		}{
			{"key", "", ""}, {"eve", protocol.Forbidden, ""}, {"ann", "", "ann"}, {"bob", protocol.Forbidden, "ann"},
			{"key", protocol.Forbidden, "ann"}, {"ann", "", "ann"},
		} {
			out := c.do(login(step.token))
			if err := out[0].Err; (err != nil || step.want != "") && (err == nil || err.Reason != step.want) {
				t.Fatalf("%s: got %v", step.token, err)
			}
			synctest.Wait()
			if got := c.link.user(); got != step.user {
				t.Errorf("%s: the connection is %q's", step.token, got)
			}
		}
		if s := n.Stats("acme"); s.Authenticated != 1 {
			t.Errorf("got %+v", s)
		}
		c.link.Gone(protocol.Disconnected)
		synctest.Wait()
		if s := n.Stats("acme"); s.Authenticated != 0 {
			t.Errorf("got %+v", s)
		}
	})
}
