package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// lobby is a tenant that is hidden, as one for connections whose token says whose they are.
const lobby = "\x00lobby"

func message(t testing.TB, text string) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.Draft{Kind: protocol.Message, Data: []byte(`{"level":"info","message":"` + text + `"}`)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestOperator_ASuspendedTenantLetsNobodyInAndItsNeighbourGoesOn(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "other"})
		c := enter(t, n, words, someone("ann")).subscribe(t, "room")
		mustPublish(t, n, "room", jsonEvent(t, "", 1))
		if err := n.SuspendTenant("acme", true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.wantEnd(t, protocol.Suspended)
		if _, err := publishTo(n, "room", jsonEvent(t, "", 2)); reasonOf(err) != protocol.Suspended {
			t.Errorf("a publish got %v", err)
		}
		if _, why := tryEnter(n, words, nil, "192.0.2.1"); why == nil || why.Reason != protocol.Suspended {
			t.Errorf("a connect got %v", why)
		}
		if why := n.Admit("other", words, "192.0.2.1"); why != nil {
			t.Errorf("the neighbour got %v", why)
		}
		if err := n.SuspendTenant("acme", false); err != nil {
			t.Fatal(err)
		}
		enter(t, n, words, someone("ann"))
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 3)); r.Position.Offset != 2 {
			t.Errorf("the topic went on at %d", r.Position.Offset)
		}
	})
}

func TestOperator_ARestartedTenantBeginsAnewAndItsClientsComeBack(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "room")
		before := mustPublish(t, n, "room", jsonEvent(t, "", 1))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := n.RestartTenant(ctx, "acme"); err != nil {
			t.Fatal(err)
		}
		c.wantEnd(t, protocol.Draining)
		again := enter(t, n, words, someone("ann")).subscribe(t, "room")
		after := mustPublish(t, n, "room", jsonEvent(t, "", 2))
		if after.Position.Epoch == before.Position.Epoch || after.Position.Offset != 1 || after.Delivered != 1 {
			t.Errorf("before %+v, after %+v", before, after)
		}
		synctest.Wait()
		again.wantHeard(t, `{"n":2}`)
	})
}

func TestOperator_ADrainedTenantIsToldInItsWordsAndServesOn(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		var all []*client
		for range 8 {
			all = append(all, enter(t, n, words, someone("ann")))
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if closed, err := n.DrainTenant(ctx, "acme"); err != nil || closed != 8 {
			t.Fatalf("%d, %v", closed, err)
		}
		for _, c := range all {
			c.wantEnd(t, protocol.Draining)
		}
		enter(t, n, words, someone("ann"))
	})
}

func TestLogin_AConnectionMovesToTheTenantOfItsToken(t *testing.T) {
	g := &gateway{}
	g.know("ann", &protocol.Identity{Tenant: "acme", User: "ann", Topics: []protocol.Pattern{"*"}})
	g.know("eve", &protocol.Identity{Tenant: "other", User: "ann", Topics: []protocol.Pattern{"*"}})
	g.know("nobody's", &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"*"}})
	guarded(t, Config{}, g, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "other"})
		n.SetTenant(TenantConfig{Name: lobby})
		come := func() *client {
			c := &client{&tape{}, &hand{}}
			if _, why := n.Connect(Dial{Tenant: lobby, Dialect: words, Session: c.hand}, func(l *Link) Wire { c.link = l; return c.tape }); why != nil {
				t.Fatal(why)
			}
			return c
		}
		ann, eve, none := come(), come(), come()
		for c, token := range map[*client]string{ann: "ann", eve: "eve"} {
			if out := c.do(login(token), protocol.Subscribe{Topic: "room"}); out[0].Err != nil || out[1].Err != nil {
				t.Fatalf("%s: %+v", token, out)
			}
		}
		if out := none.do(login("nobody's")); out[0].Err == nil || out[0].Err.Reason != protocol.Forbidden {
			t.Errorf("a token of no tenant got %+v", out)
		}
		mustPublish(t, n, "room", jsonEvent(t, "", 1))
		if _, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "", 2)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ann.wantHeard(t, `{"n":1}`, `{"n":2}`)
		eve.wantHeard(t)
		for tenant, want := range map[string]uint64{"acme": 1, "other": 1, lobby: 1} {
			if s := n.Stats(tenant); s.ActiveConnections != want || s.TotalConnections != want {
				t.Errorf("%q has %d connections, %d in all, want %d", tenant, s.ActiveConnections, s.TotalConnections, want)
			}
		}
		if names := n.Tenants(); len(names) != 2 {
			t.Errorf("the tenants are %v", names)
		}
		if out := ann.do(login("eve")); out[0].Err == nil || out[0].Err.Reason != protocol.Forbidden {
			t.Errorf("another tenant's token got %+v", out)
		}
	})
}

func TestLogin_BecomingAnotherDialectTakesItsLimitsWordsAndCensus(t *testing.T) {
	g := &gateway{}
	g.know("ann", someone("ann"))
	undecided := &speech{name: "undecided", encode: func(*protocol.Event, protocol.View) []byte { return nil }}
	loud := &speech{name: "loud", limits: protocol.Limits{Connections: 1, Frame: 8, Login: 5 * time.Second},
		encode: func(ev *protocol.Event, _ protocol.View) []byte { return append([]byte("loud "), ev.Data...) }}
	guarded(t, Config{}, g, func(n *Node) {
		c, late := enter(t, n, undecided, nil), enter(t, n, undecided, nil)
		time.Sleep(30 * time.Second) // no login is asked for before the dialect is decided
		if out := c.do(protocol.Become{Dialect: loud, Session: c.hand}, login("ann"), protocol.Subscribe{Topic: "room"}); len(out) != 2 || out[0].Err != nil || out[1].Err != nil {
			t.Fatalf("%+v", out)
		}
		mustPublish(t, n, "room", jsonEvent(t, "", 1))
		synctest.Wait()
		c.wantHeard(t, `loud {"n":1}`)
		s := n.Stats("acme").Dialects
		if s["loud"].ActiveConnections != 1 || s["loud"].TotalConnections != 1 || s["undecided"].ActiveConnections != 1 {
			t.Errorf("%+v", s)
		}
		late.send(batch{messages: 1, commands: []protocol.Command{protocol.Become{Dialect: loud, Session: late.hand}}})
		synctest.Wait()
		late.wantEnd(t, protocol.Busy) // there is room for one
		c.link.Receive([]byte("123456789"), false)
		synctest.Wait()
		c.wantEnd(t, protocol.TooLarge)
	})
}

// R004.35, R004.41: what is sent to the user is left to this connection as it heeds it.
func TestLogin_AConnectionHeedsAPartOfWhatIsSentToItsUser(t *testing.T) {
	picky := &speech{name: "picky", encode: func(ev *protocol.Event, v protocol.View) []byte {
		if v == protocol.Nothing {
			return nil
		}
		return ev.Data
	}}
	bubble(t, Config{}, func(n *Node) {
		c, other := enter(t, n, picky, someone("ann")), enter(t, n, picky, someone("ann"))
		c.do(protocol.Heed{View: protocol.Nothing})
		say(t, n, Target{Users: []string{"ann"}}, "", 1)
		say(t, n, Target{All: true}, "", 2)
		c.do(protocol.Heed{View: protocol.Whole})
		say(t, n, Target{Users: []string{"ann"}}, "", 3)
		say(t, n, Target{All: true}, "", 4)
		c.wantHeard(t, `{"n":3}`, `{"n":4}`)
		other.wantHeard(t, `{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":4}`)
	})
}

// R004.29: each request goes by its own token's right; and what one lent stays when the connection's own identity changes.
func TestLogin_ASubscriptionByAnothersRightIsTheirs(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"a"}})
		out := c.do(protocol.Subscribe{Topic: "b"}, protocol.Subscribe{Topic: "b", As: &protocol.Identity{User: "bob", Topics: []protocol.Pattern{"b"}}}, protocol.Subscribe{Topic: "a"})
		if out[0].Err == nil || out[1].Err != nil || out[2].Err != nil {
			t.Fatalf("%+v", out)
		}
		c.do(login("ann"))
		if info, err := n.Connection(context.Background(), "acme", c.link.ID()); err != nil || len(info.Subscriptions) != 2 {
			t.Errorf("%v, %v", info.Subscriptions, err)
		}
	})
}

func TestLogin_ALastingIdentityOutlivesItsToken(t *testing.T) {
	g := &gateway{}
	guarded(t, Config{}, g, func(n *Node) {
		soon := &protocol.Identity{User: "ann", Expires: time.Now().Add(10 * time.Second), Topics: []protocol.Pattern{"*"}}
		g.know("ann", soon)
		lasting, other := enter(t, n, words, nil), enter(t, n, words, nil)
		lasting.do(protocol.Authenticate{Credential: protocol.Credential{Token: "ann"}, Lasting: true})
		other.do(login("ann"))
		if out := other.do(protocol.Verify{Credential: protocol.Credential{Token: "bad"}}); out[0].Err == nil {
			t.Errorf("%+v", out)
		}
		time.Sleep(15 * time.Second)
		other.wantEnd(t, protocol.TokenExpired)
		if out := lasting.do(protocol.Verify{Credential: protocol.Credential{Token: "ann"}}); out[0].Identity != soon {
			t.Errorf("%+v", out)
		}
	})
}

// R003.20, R003.22, R003.23, R003.24, R003.25, R003.26, R003.27, R003.28: members are told apart, kept while they attend, and gone after.
func TestAttendance_MembersAreKnownForAsLongAsTheyAttend(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		first, second := enter(t, n, words, someone("")), enter(t, n, words, someone(""))
		hello := func(c *client, member, data string) {
			c.do(protocol.Attend{Topic: "outposts/1", Member: member, Data: []byte(data), For: 15 * time.Second})
		}
		hello(first, "a", `{"version":"1"}`)
		hello(second, "b", `{"version":"2"}`)
		began := time.Now()
		time.Sleep(10 * time.Second)
		hello(first, "a", `{"version":"3"}`)
		all, err := n.Attendance(context.Background(), "acme", "outposts")
		if err != nil || len(all) != 2 || all[0].Member != "a" || string(all[0].Data) != `{"version":"3"}` || !all[0].Since.Equal(began) ||
			!all[0].Seen.Equal(began.Add(10*time.Second)) || all[1].Connection != second.link.ID() || all[0].Topic != "outposts/1" {
			t.Fatalf("%+v, %v", all, err)
		}
		time.Sleep(6 * time.Second)
		if all, _ = n.Attendance(context.Background(), "acme", "outposts/1"); len(all) != 1 || all[0].Member != "a" {
			t.Errorf("after 16 s: %+v", all)
		}
		if all, _ = n.Attendance(context.Background(), "acme", "outposts/2"); all != nil {
			t.Errorf("another outpost has %+v", all)
		}
		crashTopic(n, "outposts/1")
		if all, _ = n.Attendance(context.Background(), "acme", "outposts/1"); len(all) != 1 {
			t.Errorf("after a restart of the topic: %+v", all)
		}
	})
}

func TestAttendance_TheMembersOfATopicAreBounded(t *testing.T) {
	a := attendance(nil)
	l := &Link{}
	for i := range maxAttendants + 10 {
		a = a.note("t", attend{member: string(rune('a' + i)), life: time.Hour + time.Duration(i), link: l}, time.Unix(0, 0))
	}
	if _, first := a["a"]; len(a) != maxAttendants || first {
		t.Errorf("%d members, the one that ends soonest is there: %v", len(a), first)
	}
}

// R003.9, R002.19: messages wait for a user without a connection, for the dialect that has an inbox and for no other.
func TestInbox_MessagesWaitForADialectThatHasOne(t *testing.T) {
	reading := &speech{name: "reading", limits: protocol.Limits{Inbox: true}}
	bubble(t, Config{InboxCount: 3}, func(n *Node) {
		send := func(text string) Receipt {
			r, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, message(t, text))
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if r := send("forgotten"); r.Delivered != 0 {
			t.Errorf("delivered to %d", r.Delivered)
		}
		send("one")
		send("two")
		send("three")
		say(t, n, Target{Users: []string{"ann"}}, "", 1) // no message: it does not wait
		other := enter(t, n, words, someone("ann"))
		synctest.Wait()
		other.wantHeard(t)
		c := enter(t, n, reading, someone("ann"))
		synctest.Wait()
		c.wantHeard(t, `{"level":"info","message":"one"}`, `{"level":"info","message":"two"}`, `{"level":"info","message":"three"}`)
		if waiting := n.tenant("acme").inboxes.Load(); waiting != 0 {
			t.Errorf("something waits for %d users", waiting)
		}
		again := enter(t, n, reading, someone("ann"))
		synctest.Wait()
		again.wantHeard(t)
		if drops := n.Figures().Drops[protocol.Stale]; drops != 1 {
			t.Errorf("%d were forgotten", drops)
		}
	})
}

func TestInbox_WhatNobodyReadsIsForgottenAndTheUserWithIt(t *testing.T) {
	bubble(t, Config{InboxCount: 3, InboxAge: time.Minute}, func(n *Node) {
		if _, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, message(t, "one")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if tenant := n.tenant("acme"); tenant.inboxes.Load() != 0 || tenant.users.len() != 0 {
			t.Errorf("%d inboxes, %d users", tenant.inboxes.Load(), tenant.users.len())
		}
	})
}
