package actors

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestLimits_ATenantsConnectionsAreCountedExactlyThoughManyComeAtOnce(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Connections: 50})
		synctest.Wait()
		var in atomic.Int64
		var wg sync.WaitGroup
		var clients sync.Map
		for i := range 200 {
			wg.Go(func() {
				c, err := tryEnter(n, words, someone(fmt.Sprint(i)), "192.0.2.1")
				if err == nil {
					in.Add(1)
					clients.Store(c, true)
				} else if err.Reason != protocol.Busy || err.RetryAfter == 0 {
					t.Errorf("refused with %+v", err)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if in.Load() != 50 || n.Stats("acme").ActiveConnections != 50 || n.Metrics().Drops[protocol.TooMany] != 150 {
			t.Errorf("%d came in, %d active, drops %v", in.Load(), n.Stats("acme").ActiveConnections, n.Metrics().Drops)
		}
		if err := n.Admit("acme", words, "192.0.2.1", nil); reasonOf(err) != protocol.Busy {
			t.Errorf("Admit when full: %v", err)
		}
		clients.Range(func(c, _ any) bool { c.(*client).link.Gone(protocol.Disconnected); return false })
		synctest.Wait()
		if err := n.Admit("acme", words, "192.0.2.1", nil); err != nil {
			t.Errorf("Admit when one had left: %v", err)
		}
		enter(t, n, words, someone("last"))
		if _, err := tryEnter(n, words, someone("one too many"), ""); reasonOf(err) != protocol.Busy {
			t.Errorf("one too many: %v", err)
		}
		n.SetTenant(TenantConfig{Name: "acme"})
		synctest.Wait()
		enter(t, n, words, someone("unlimited"))
	})
}

func TestLimits_ADialectsConnectionsAreItsOwn(t *testing.T) {
	small := &speech{name: "small", limits: protocol.Limits{Connections: 2}}
	other := &speech{name: "other", limits: protocol.Limits{Connections: 2}}
	bubble(t, Config{}, func(n *Node) {
		for range 2 {
			enter(t, n, small, someone("a"))
		}
		if _, err := tryEnter(n, small, someone("a"), ""); reasonOf(err) != protocol.Busy {
			t.Errorf("the third: %v", err)
		}
		if err := n.Admit("acme", small, "", nil); reasonOf(err) != protocol.Busy {
			t.Errorf("Admit: %v", err)
		}
		enter(t, n, other, someone("a"))
		if err := n.Admit("acme", other, "", nil); err != nil {
			t.Errorf("Admit to the other dialect: %v", err)
		}
	})
}

func TestLimits_AUsersConnectionsOfADialect(t *testing.T) {
	d := &speech{name: "words", limits: protocol.Limits{PerUser: 2}}
	g := &gateway{}
	g.know("ann", someone("ann"))
	guarded(t, Config{}, g, func(n *Node) {
		a, _ := enter(t, n, d, someone("ann")), enter(t, n, d, someone("ann"))
		enter(t, n, &speech{name: "other", limits: d.limits}, someone("ann"))
		enter(t, n, d, someone("bob"))
		synctest.Wait()
		third := enter(t, n, d, someone("ann"))
		synctest.Wait()
		third.wantEnd(t, protocol.TooMany)
		late := enter(t, n, d, nil)
		if out := late.do(login("ann")); reasonOf(out[0].Err) != protocol.TooMany {
			t.Errorf("a login of the third: %+v", out)
		}
		a.link.Gone(protocol.Disconnected)
		synctest.Wait()
		if out := late.do(login("ann")); out[0].Err != nil {
			t.Errorf("a login when one had left: %v", out[0].Err)
		}
		if s := n.Stats("acme"); s.Authenticated != 4 {
			t.Errorf("%d are authenticated", s.Authenticated)
		}
	})
}

func TestLimits_ConnectsPerMinuteOfAnAddressAreTakenBackByALoginAndThenCountForTheUser(t *testing.T) {
	d := &speech{name: "words", limits: protocol.Limits{Connects: 6}}
	g := &gateway{}
	g.know("ann", someone("ann"))
	g.know("bob", someone("bob"))
	guarded(t, Config{}, g, func(n *Node) {
		const address = "192.0.2.7"
		come := func(token string) (admitted, refused *protocol.Refusal) {
			if err := n.Admit("acme", d, address, nil); err != nil {
				return err, nil
			}
			c, err := tryEnter(n, d, nil, address)
			if err != nil {
				t.Fatal(err)
			}
			return nil, c.do(login(token))[0].Err
		}
		for i := range 6 { // good logins are no load on the address
			if admitted, refused := come("ann"); admitted != nil || refused != nil {
				t.Fatalf("login %d: %v, %v", i, admitted, refused)
			}
		}
		admitted, refused := come("ann")
		if admitted != nil || reasonOf(refused) != protocol.RateLimited || refused.RetryAfter <= 0 ||
			refused.RetryAfter > 10*time.Second {
			t.Fatalf("a user's 7th connect: %v, %+v", admitted, refused)
		}
		if admitted, refused := come("bob"); admitted != nil || refused != nil {
			t.Fatalf("another user: %v, %v", admitted, refused)
		}
		// Of the address's 6, the user's refused one is taken.
		for i := range 5 {
			if admitted, refused := come("wrong"); admitted != nil || reasonOf(refused) != protocol.InvalidToken {
				t.Fatalf("wrong token %d: %v, %v", i, admitted, refused)
			}
		}
		admitted, _ = come("bob")
		if reasonOf(admitted) != protocol.RateLimited || admitted.RetryAfter <= 0 ||
			admitted.RetryAfter > 10*time.Second {
			t.Errorf("the address's 7th bad connect: %+v", admitted)
		}
		if err := n.Admit("acme", d, "192.0.2.8", nil); err != nil {
			t.Errorf("another address: %v", err)
		}
		other := &speech{name: "other", limits: protocol.Limits{Connects: 1}}
		if err := n.Admit("acme", other, address, nil); err != nil {
			t.Errorf("another dialect has its own count: %v", err)
		}
		time.Sleep(admitted.RetryAfter)
		if err := n.Admit("acme", d, address, nil); err != nil {
			t.Errorf("after RetryAfter: %v", err)
		}
		synctest.Wait()         // the wheel may ask for the limits, too
		d.limits.Connects = 100 // reloaded
		if err := n.Admit("acme", d, address, nil); err != nil {
			t.Errorf("after the limit was raised: %v", err)
		}
	})
}

// reliability.md check 40, F48, the engine's part: of what 100 clients ask for, each gets what its limit allows, the
// rest is an error, and nothing of it is left when they have gone.
func TestLimits_SubscriptionsOfAConnection(t *testing.T) {
	limit, asked := sized(100, 1000), sized(1000, 10_000)
	d := &speech{name: "words", limits: protocol.Limits{Subscriptions: limit}}
	bubble(t, Config{}, func(n *Node) {
		all := make([]*client, sized(2, 100))
		for k := range all {
			all[k] = enter(t, n, d, someone(fmt.Sprint("user-", k)))
			for i := range limit {
				all[k].subscribe(t, fmt.Sprint("t/", k, "/", i))
			}
			for i := range asked - limit {
				out := all[k].do(protocol.Subscribe{Topic: fmt.Sprint("x/", i)})
				if reasonOf(out[0].Err) != protocol.TooMany {
					t.Fatalf("subscription %d of client %d: %+v", limit+1+i, k, out)
				}
			}
		}
		c := all[0]
		c.want(t, "t/0/1", every(time.Second)) // another filter is no other subscription
		c.do(protocol.Unsubscribe{Topic: "t/0/1"})
		c.subscribe(t, "t/new")
		topics, _, err := n.Topics(context.Background(), "acme", TopicQuery{Prefix: "x/"})
		if err != nil || len(topics) != 0 {
			t.Errorf("refused subscriptions made %d topics, %v", len(topics), err)
		}
		for _, c := range all {
			c.link.Gone(protocol.Disconnected)
		}
		synctest.Wait()
		if heard := subscribers(t, n, "t/"); heard != 0 {
			t.Errorf("topics have %d subscribers when all have left", heard)
		}
	})
}

// subscribers counts those of all topics whose names begin so, of which there must be some.
func subscribers(t *testing.T, n *Node, prefix string) (count int) {
	t.Helper()
	seen, query := 0, TopicQuery{Prefix: prefix, Limit: 1000}
	for {
		topics, next, err := n.Topics(context.Background(), "acme", query)
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range topics {
			count += topic.Subscribers
		}
		seen += len(topics)
		if next == "" {
			break
		}
		query.Cursor = next
	}
	if seen == 0 {
		t.Fatalf("there is no topic below %s", prefix)
	}
	return count
}

func TestLimits_TheMessageRateCountsEachItemOfABatch(t *testing.T) {
	d := &speech{name: "words", limits: protocol.Limits{Rate: 10, Burst: 20}}
	bubble(t, Config{}, func(n *Node) {
		single := enter(t, n, d, someone("a"))
		batched := enter(t, n, d, someone("b"))
		steady := enter(t, n, d, someone("c"))
		huge := enter(t, n, d, someone("d"))
		for range 20 {
			single.do()
		}
		synctest.Wait()
		if single.link.flags.has(isGone) {
			t.Fatal("closed within the burst")
		}
		single.send(batch{messages: 1})
		for range 4 {
			<-batched.send(batch{messages: 5})
		}
		batched.send(batch{messages: 5})
		huge.send(batch{messages: 21})
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			steady.do()
		}
		for range 100 {
			<-steady.send(batch{messages: 0}) // what does not count is not limited
		}
		synctest.Wait()
		for name, c := range map[string]*client{"single": single, "batched": batched, "huge": huge} {
			c.wantEnd(t, protocol.RateLimited)
			if len(c.heard()) != 1 {
				t.Errorf("%s was told %q", name, c.heard())
			}
		}
		if steady.link.flags.has(isGone) {
			t.Error("who kept to the rate was closed")
		}
	})
}

func TestLimits_ASubscriptionIsRefusedWithAReason(t *testing.T) {
	g := &gateway{}
	g.know("a", &protocol.Identity{User: "a", Topics: []protocol.Pattern{"room", "own/*"}})
	guarded(t, Config{}, g, func(n *Node) {
		c := enter(t, n, words, nil)
		try := func(topic string) protocol.Reason {
			return reasonOf(c.do(protocol.Subscribe{Topic: topic})[0].Err)
		}
		if got := try("room"); got != protocol.Unauthorized {
			t.Errorf("before the login: %q", got)
		}
		c.do(login("a"))
		for topic, want := range map[string]protocol.Reason{ // check 22: no name passes for another
			"room": "", "room/7": "", "own/x": "", "own": protocol.Forbidden, "roomy": protocol.Forbidden,
			"Room": protocol.Forbidden,
			"":     protocol.Malformed, "room/": protocol.Malformed, "room/../own": protocol.Malformed,
			"room/*": protocol.Malformed, " room": protocol.Malformed,
			"room\x00": protocol.Malformed, "room\u200b": protocol.Malformed, broadcastTopic: protocol.Malformed,
		} {
			if got := try(topic); got != want {
				t.Errorf("%q: %q, want %q", topic, got, want)
			}
		}
	})
}
