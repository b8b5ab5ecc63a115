package actors

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

func TestLifecycle_EmitsWhatHappensToAConnectionInOrder(t *testing.T) {
	heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
		ann := enter(t, n, words, someone("ann")).subscribe(t, "a", "a/b", "b")
		ann.want(t, "a", protocol.Filter{View: "x"}) // it is no new subscription
		if out := ann.do(protocol.Subscribe{Topic: "a//b"}); out[0].Err == nil {
			t.Fatal("subscribed to a topic that is none")
		}
		for range 3 {
			time.Sleep(30 * time.Second)
			ann.link.Heard()
		}
		mustPublish(t, n, "b", jsonEvent(t, "", 1))
		ann.do(protocol.Unsubscribe{Topic: "a", Below: true})
		ann.do(protocol.Unsubscribe{Topic: "none"})
		ann.link.Gone(protocol.Disconnected)
		c.wantTold("user_online ann", "connected ws-1 ann", "subscribed ws-1 ann a", "subscribed ws-1 ann a/b",
			"subscribed ws-1 ann b",
			"unsubscribed ws-1 ann a", "unsubscribed ws-1 ann a/b", "disconnected ws-1 ann disconnected",
			"user_offline ann")
		left := c.told()[7]
		if left.By != "client" || left.Code != 1000 || left.Seconds < 90 || left.Received != 7 || left.Sent == 0 ||
			left.Dialect != "words" || left.Lingers {
			t.Errorf("%+v", left)
		}
		if at := c.told()[8].Time; at.Sub(c.told()[0].Time) < 90*time.Second {
			t.Errorf("user_offline was at %s", at)
		}
	})
}

func TestLifecycle_SaysWhyAConnectionEnded(t *testing.T) {
	ends := map[string]func(n *Node, c *client){
		"disconnected 1000 client": func(_ *Node, c *client) { c.link.Gone(protocol.Disconnected) },
		"lost 1001 client":         func(_ *Node, c *client) { c.link.Gone(protocol.Lost) },
		"malformed 1008 client":    func(_ *Node, c *client) { c.link.Gone(protocol.Malformed) },
		"silent 1001 client":       func(_ *Node, c *client) { time.Sleep(2 * time.Minute) },
		"disconnected 4001 server": func(n *Node, c *client) { n.Disconnect("acme", c.link.ID(), 4001, "go") },
		"disconnected 1000 server": func(n *Node, c *client) {
			n.DisconnectUser(context.Background(), "acme", "ann", 0, "")
		},
		"revoked 1008 server": func(n *Node, c *client) {
			n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"})
		},
		"suspended 1008 server": func(n *Node, _ *client) { n.SuspendTenant("acme", true) },
		"draining 1012 server":  func(n *Node, _ *client) { n.Drain(context.Background()) },
		"internal 1011 server":  func(_ *Node, c *client) { c.send(batch{panics: true}) },
		"forbidden 4003 server": func(_ *Node, c *client) {
			c.send(batch{messages: 1, commands: []protocol.Command{protocol.Close{Code: 4003, Reason: "forbidden"}}})
		},
		"disconnected 4004 server": func(_ *Node, c *client) {
			c.send(batch{messages: 1, commands: []protocol.Command{protocol.Close{Code: 4004, Reason: "some words"}}})
		},
		"token_expired 1008 server": func(_ *Node, c *client) { time.Sleep(59 * time.Second) },
	}
	for want, end := range ends {
		t.Run(want, func(t *testing.T) {
			heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
				id := someone("ann")
				if strings.HasPrefix(want, "token_expired") {
					id.Expires = time.Now().Add(30 * time.Second)
				}
				ann := enter(t, n, words, id)
				synctest.Wait()
				end(n, ann)
				all := c.told()
				if len(all) != 4 || all[2].Type != "disconnected" || all[3].Type != "user_offline" {
					t.Fatalf("told %+v", all)
				}
				if got := fmt.Sprintf("%s %d %s", all[2].Reason, all[2].Code, all[2].By); got != want {
					t.Errorf("ended with %s", got)
				}
			})
		})
	}
}

func TestLifecycle_AUserIsOnlineWithTheFirstConnectionAndOfflineWithTheLast(t *testing.T) {
	heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
		one := enter(t, n, words, someone("ann"))
		synctest.Wait()
		two := enter(t, n, words, someone("ann"))
		synctest.Wait()
		one.link.Gone(protocol.Lost)
		synctest.Wait()
		three := enter(t, n, words, someone("ann"))
		synctest.Wait()
		two.link.Gone(protocol.Lost)
		synctest.Wait()
		three.link.Gone(protocol.Lost)
		synctest.Wait()
		enter(t, n, words, &protocol.Identity{}) // nobody in particular
		c.wantTold("user_online ann", "connected ws-1 ann", "connected ws-2 ann", "disconnected ws-1 ann lost",
			"connected ws-3 ann",
			"disconnected ws-2 ann lost", "disconnected ws-3 ann lost", "user_offline ann", "connected ws-4")
	})
}

func TestLifecycle_EmitsNothingOfAConnectionThatWasNotLetIn(t *testing.T) {
	strict := &speech{name: "strict", limits: protocol.Limits{PerUser: 1, Login: time.Second}}
	heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
		enter(t, n, strict, nil) // never logs in
		time.Sleep(2 * time.Second)
		enter(t, n, strict, someone("ann"))
		synctest.Wait()
		enter(t, n, strict, someone("ann")) // one too many
		c.wantTold("user_online ann", "connected ws-2 ann")
	})
}

// Whatever the connections of users do at once: of each one the order is causal, and users are online exactly while
// they have a connection.
func TestLifecycle_HoldsWhenManyComeAndGoAtOnce(t *testing.T) {
	c := &crier{t: t}
	n := New(Config{}, anyone{}, TenantConfig{Name: "acme", Lifecycle: Lifecycle{Sink: c}})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for round := range 30 {
				client := enter(t, n, words, someone(fmt.Sprint(i%3)))
				if round%3 > 0 {
					client.do(protocol.Subscribe{Topic: "a"}, protocol.Unsubscribe{Topic: "a"},
						protocol.Subscribe{Topic: "b"})
				}
				if round%2 > 0 {
					_ = n.Disconnect("acme", client.link.ID(), 0, "")
				}
				client.link.Gone(protocol.Lost)
			}
		})
	}
	wg.Wait()
	if err := n.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	checkStory(t, c.all)
	n.Close()
}

// checkStory checks that a complete story can have happened.
func checkStory(t *testing.T, all []news) {
	t.Helper()
	online, open, hears := map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}
	for i, e := range all {
		bad := e.Number != uint64(i+1)
		if open[e.User] == nil {
			open[e.User] = map[string]bool{}
		}
		mine := open[e.User]
		switch e.Type {
		case "user_online":
			bad = bad || online[e.User]
			online[e.User] = true
		case "user_offline":
			bad = bad || !online[e.User]
			online[e.User] = false
		case "connected":
			bad = bad || mine[e.Connection]
			mine[e.Connection] = true
		case "disconnected":
			bad = bad || !mine[e.Connection]
			delete(mine, e.Connection)
		case "subscribed", "unsubscribed":
			key := e.Connection + e.Topic
			bad = bad || !mine[e.Connection] || hears[key] == (e.Type == "subscribed")
			hears[key] = e.Type == "subscribed"
		}
		if bad {
			t.Fatalf("event %d cannot be: %+v", i+1, e)
		}
	}
	for user, is := range online {
		if is || len(open[user]) > 0 {
			t.Errorf("at the end %s is online: %t, with %d connections", user, is, len(open[user]))
		}
	}
	if len(all) < 16*30*2 {
		t.Errorf("%d events", len(all))
	}
}

func TestLifecycle_AReconnectThatRestoresSubscriptionsSaysSo(t *testing.T) {
	heralded(t, lingering, func(t *testing.T, n *Node, c *crier) {
		ann := comeBack(t, n, words, someone("ann"), "tab").subscribe(t, "room")
		ann.lose()
		comeBack(t, n, words, someone("ann"), "tab")
		synctest.Wait()
		newer := comeBack(t, n, words, someone("ann"), "tab") // what the client still has goes first
		synctest.Wait()
		newer.link.Gone(protocol.Disconnected)
		c.wantTold("user_online ann", "connected ws-1 ann", "subscribed ws-1 ann room", "disconnected ws-1 ann lost",
			"user_offline ann",
			"user_online ann", "connected ws-2 ann", "subscribed ws-2 ann room", "disconnected ws-2 ann disconnected",
			"user_offline ann",
			"user_online ann", "connected ws-3 ann", "subscribed ws-3 ann room", "disconnected ws-3 ann disconnected",
			"user_offline ann")
		all := c.told()
		if !all[3].Lingers || all[13].Lingers || all[2].Restored || !all[7].Restored || !all[12].Restored {
			t.Errorf("%+v", all)
		}
	})
}

func TestLifecycle_ARefreshThatTakesATopicAwayIsEmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := &gateway{}, &crier{t: t}
		g.know("all", granted("ann", "*"))
		g.know("less", granted("ann", "b"))
		n := New(Config{}, g, TenantConfig{Name: "acme", Lifecycle: Lifecycle{Sink: c}})
		defer n.Close()
		ann := enter(t, n, words, nil)
		ann.hand.mild = true // it is told of what it loses
		ann.do(login("all"))
		ann.subscribe(t, "a", "b")
		ann.do(login("less"))
		c.wantTold("user_online ann", "connected ws-1 ann", "subscribed ws-1 ann a", "subscribed ws-1 ann b",
			"unsubscribed ws-1 ann a")
	})
}

func TestLifecycle_TenantsNeverHearOfEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine, theirs := &crier{t: t}, &crier{t: t}
		n := New(Config{}, anyone{}, TenantConfig{Name: "acme", Lifecycle: Lifecycle{Sink: mine}},
			TenantConfig{Name: "other", Lifecycle: Lifecycle{Sink: theirs, Topic: true}}, TenantConfig{Name: "quiet"})
		defer n.Close()
		enter(t, n, words, someone("ann"))
		for _, tenant := range []string{"other", "quiet"} {
			c := &client{&tape{}, &hand{}}
			_, err := n.Connect(ConnectOptions{Tenant: tenant, Dialect: words, Session: c.hand, Identity: someone("x")},
				func(l *Conn) outbox.Transport {
					c.link = l
					return c.tape
				})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		mine.wantTold("user_online ann", "connected ws-1 ann")
		theirs.wantTold("user_online x", "connected ws-2 x")
		if mine.told()[0].Epoch == theirs.told()[0].Epoch {
			t.Error("two tenants have one epoch")
		}
		_, err := n.History(context.Background(), "quiet", "$lifecycle", protocol.Position{}, 0)
		if reasonOf(err) != protocol.NotFound {
			t.Errorf("a tenant without: %v", err)
		}
	})
}

func TestLifecycle_CanBeSwitchedAndChosenWhileClientsAreConnected(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		first, second := &crier{t: t}, &crier{t: t}
		set := func(l Lifecycle) {
			n.SetTenant(TenantConfig{Name: "acme", Lifecycle: l})
			synctest.Wait()
		}
		ann := enter(t, n, words, someone("ann"))
		synctest.Wait()
		set(Lifecycle{Sink: first})
		ann.subscribe(t, "a")
		first.wantTold("subscribed ws-1 ann a")
		set(Lifecycle{Sink: first, Of: []protocol.LifecycleType{protocol.UserOffline, protocol.UserOnline}})
		ann.subscribe(t, "b")
		enter(t, n, words, someone("bob"))
		first.wantTold("subscribed ws-1 ann a", "user_online bob") // numbers go on; a type that is off has none
		set(Lifecycle{})
		enter(t, n, words, someone("eve"))
		synctest.Wait()
		set(Lifecycle{Sink: second})
		ann.link.Gone(protocol.Lost)
		second.wantTold("disconnected ws-1 ann lost", "user_offline ann")
		if len(first.told()) != 2 || first.told()[0].Epoch == second.told()[0].Epoch {
			t.Errorf("first %+v, second %+v", first.told(), second.told())
		}
	})
}
