package actors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// reliability.md check 28.
func TestOrder_TwentyConcurrentPublishersAreHeardInOneOrderByFiftySubscribers(t *testing.T) {
	const publishers, each, subscribers = 20, 50, 50
	bubble(t, Config{HistoryCount: publishers * each, HistoryBytes: 64 << 20}, func(n *Node) {
		var all []*client
		for i := range subscribers {
			all = append(all, enter(t, n, words, someone(fmt.Sprint("u", i))).subscribe(t, "room"))
		}
		var wg sync.WaitGroup
		for p := range publishers {
			wg.Go(func() {
				last := uint64(0)
				for i := range each {
					r := mustPublish(t, n, "room", jsonEvent(t, "", p*each+i))
					if r.Position.Offset <= last || r.Delivered != subscribers {
						t.Errorf("publisher %d: %+v after offset %d", p, r, last)
					}
					last = r.Position.Offset
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		order := all[0].heard()
		if len(order) != publishers*each {
			t.Fatalf("%d events were heard, want %d", len(order), publishers*each)
		}
		for _, c := range all[1:] {
			if !slices.Equal(c.heard(), order) {
				t.Fatalf("%s heard another order", c.link.ID())
			}
		}
		page, err := n.History(context.Background(), "acme", "room", protocol.Position{}, maxPage)
		if err != nil || len(page.Events) != len(order) {
			t.Fatalf("%d in the history, %v", len(page.Events), err)
		}
		for i, e := range page.Events { // the order is that of the offsets
			if e.Offset != uint64(i+1) || string(e.Event.Data) != order[i] {
				t.Fatalf("offset %d is %s, heard as %s", e.Offset, e.Event.Data, order[i])
			}
		}
	})
}

func TestOrder_ATopicAboveKeepsTheOrderOfEachTopicBelow(t *testing.T) {
	const leaves, each = 10, 50
	bubble(t, Config{}, func(n *Node) {
		above := enter(t, n, words, someone("a")).subscribe(t, "t/x")
		top := enter(t, n, words, someone("b")).subscribe(t, "t")
		var wg sync.WaitGroup
		for leaf := range leaves {
			wg.Go(func() {
				for i := range each {
					r := mustPublish(t, n, fmt.Sprint("t/x/", leaf), jsonEvent(t, "", leaf*1000+i))
					if r.Delivered != 2 {
						t.Errorf("delivered to %d of 2", r.Delivered)
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		for _, c := range []*client{above, top} {
			next, heard := map[int]int{}, c.heard()
			for _, said := range heard {
				var number int
				if _, err := fmt.Sscanf(said, `{"n":%d}`, &number); err != nil {
					t.Fatal(err)
				}
				if next[number/1000] != number%1000 {
					t.Fatalf("leaf %d: %d came where %d was due", number/1000, number%1000, next[number/1000])
				}
				next[number/1000]++
			}
			if len(heard) != leaves*each {
				t.Errorf("heard %d of %d", len(heard), leaves*each)
			}
		}
	})
}

// reliability.md check 29.
func TestDedup_AnIDPublishedAThousandTimesIsDeliveredOnceAndAllGetTheFirstAnswer(t *testing.T) {
	for name, to := range map[string]Target{"topic": {Topic: "room/1"}, "user": {Users: []string{"ann", "bob"}},
		"all": {All: true}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(n *Node) {
				ann := enter(t, n, words, someone("ann")).subscribe(t, "room")
				bob := enter(t, n, words, someone("bob")).subscribe(t, "room/1", "room")
				synctest.Wait()
				var answers [1000]Receipt
				var wg sync.WaitGroup
				for i := range answers {
					publish := func() {
						r, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "the one", 1))
						if err != nil {
							t.Error(err)
						}
						answers[i] = r
					}
					if i%2 == 0 {
						wg.Go(publish)
					} else {
						publish()
					}
				}
				wg.Wait()
				synctest.Wait()
				firsts, want := 0, answers[0]
				want.Duplicate = true
				for _, r := range answers {
					if !r.Duplicate {
						firsts++
						r.Duplicate = true
					}
					if r != want {
						t.Fatalf("answers differ: %+v and %+v", r, want)
					}
				}
				if firsts != 1 || want.Delivered != 2 {
					t.Errorf("%d firsts, delivered %d", firsts, want.Delivered)
				}
				ann.wantHeard(t, `{"n":1}`)
				bob.wantHeard(t, `{"n":1}`)
				if f := n.Metrics(); f.Published != 1 || f.Duplicates != 999 || f.Delivered != 2 {
					t.Errorf("published %d, duplicates %d, delivered %d", f.Published, f.Duplicates, f.Delivered)
				}
			})
		})
	}
}

func TestDedup_TheWindowEndsByAgeAndByCount(t *testing.T) {
	bubble(t, Config{DedupCount: 10, DedupAge: time.Minute}, func(n *Node) {
		known := func(id string) bool { return mustPublish(t, n, "room", jsonEvent(t, id, 1)).Duplicate }
		if known("a") {
			t.Error("the first is a duplicate")
		}
		time.Sleep(time.Minute)
		if !known("a") {
			t.Error("forgotten at its age")
		}
		time.Sleep(time.Millisecond)
		if known("a") {
			t.Error("known beyond its age, or a repetition made it younger")
		}
		for i := range 10 {
			if known(fmt.Sprint(i)) {
				t.Error("a new id is a duplicate")
			}
		}
		if !known("0") || known("a") {
			t.Error("of 11 ids in a window of 10, the oldest alone is to be forgotten")
		}
	})
}

func TestDedup_EventsWithoutAnIDAreNeverDuplicatesAndTakeNoRoom(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		ids := map[string]bool{}
		for range 100 {
			r := mustPublish(t, n, "room", jsonEvent(t, "", 1))
			if r.Duplicate || r.ID == "" || ids[r.ID] {
				t.Fatalf("%+v", r)
			}
			ids[r.ID] = true
		}
	})
}

func TestDedup_ARetryAfterOneUserWasBusyReachesOnlyThatUser(t *testing.T) {
	bubble(t, Config{MailboxSize: 4}, func(n *Node) {
		ann, bob := enter(t, n, words, someone("ann")), enter(t, n, words, someone("bob"))
		synctest.Wait()
		users := n.tenant("acme").users
		for range 3 { // the third restart is 50 ms away
			users.SendUnbounded("bob", crash{"a test"})
			synctest.Wait()
		}
		for range 4 {
			users.SendUnbounded("bob", listConns{mailbox.NewReply[[]*Conn]()}) // and his mailbox is full
		}
		to := Target{Users: []string{"ann", "bob"}}
		_, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "one", 1))
		if refusal := protocol.AsRefusal(err); reasonOf(err) != protocol.Busy || refusal.RetryAfter == 0 {
			t.Fatalf("with a full mailbox: %v", err)
		}
		time.Sleep(time.Second)
		if r, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "one", 1)); err != nil ||
			r.Delivered != 1 {
			t.Errorf("the retry: %+v, %v", r, err)
		}
		synctest.Wait()
		ann.wantHeard(t, `{"n":1}`)
		bob.wantHeard(t, `{"n":1}`)
	})
}

// reliability.md check 27, F48, the engine's part: it runs in real time.
func TestOrder_AThousandSubscribersHearAllEventsInOrderOnce(t *testing.T) {
	const count = 1000
	events := sized(1000, 10_000)
	n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
	defer n.Close()
	var wrong atomic.Int64
	heard := [count]int{}
	var expected []string
	for i := range events {
		expected = append(expected, fmt.Sprintf(`{"n":%d}`, i))
	}
	for i := range count {
		drink(t, n, words, someone(fmt.Sprint("u", i)), func(f *outbox.Frame) {
			if f.Op != outbox.Text {
				return
			}
			if heard[i] >= events || string(f.Data) != expected[heard[i]] {
				wrong.Add(1)
			}
			heard[i]++
		}, "room")
	}
	start := time.Now()
	for i := range events {
		if r := mustPublish(t, n, "room", jsonEvent(t, "", i)); r.Delivered != count {
			t.Fatalf("event %d reached %d of %d", i, r.Delivered, count)
		}
	}
	t.Logf("%d x %d in %s", events, count, time.Since(start))
	if wrong.Load() != 0 {
		t.Errorf("%d events were out of order", wrong.Load())
	}
	for i := range heard {
		if heard[i] != events {
			t.Errorf("subscriber %d heard %d of %d", i, heard[i], events)
		}
	}
}

func TestPublish_IsRefusedWithAReason(t *testing.T) {
	bubble(t, Config{Topics: 2, PublishWait: time.Second}, func(n *Node) {
		enter(t, n, words, someone("ann")).subscribe(t, "one", "two")
		for name, c := range map[string]struct {
			tenant string
			to     Target
			want   protocol.Reason
		}{
			"unknown tenant":       {"other", Target{Topic: "one"}, protocol.NotFound},
			"the canary's tenant":  {"canary", Target{Topic: "one"}, protocol.NotFound},
			"no target":            {"acme", Target{}, protocol.Malformed},
			"two targets":          {"acme", Target{Topic: "one", All: true}, protocol.Malformed},
			"topic and users":      {"acme", Target{Topic: "one", Users: []string{"a"}}, protocol.Malformed},
			"users and all":        {"acme", Target{Users: []string{"a"}, All: true}, protocol.Malformed},
			"a bad topic":          {"acme", Target{Topic: "one//two"}, protocol.Malformed},
			"the internal topic":   {"acme", Target{Topic: broadcastTopic}, protocol.Malformed},
			"one topic too many":   {"acme", Target{Topic: "three"}, protocol.TooMany},
			"a topic that is":      {"acme", Target{Topic: "two"}, ""},
			"users that are not":   {"acme", Target{Users: []string{"x", "y"}}, ""},
			"nobody in particular": {"acme", Target{Users: []string{}}, ""},
		} {
			if _, err := n.Publish(context.Background(), c.tenant, c.to, jsonEvent(t, "", 1)); reasonOf(err) != c.want {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
		for range 3 {
			crashTopic(n, "one")
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if _, err := n.Publish(ctx, "acme", Target{Topic: "one"}, jsonEvent(t, "", 1)); reasonOf(err) != protocol.Busy {
			t.Errorf("a publish that waits longer than its context: %v", err)
		}
	})
}

func TestPublish_ToAsManyTopicsAsThereMayBeLocksNobodyOut(t *testing.T) {
	bubble(t, Config{Topics: 1}, func(n *Node) {
		mustPublish(t, n, "one", jsonEvent(t, "", 1))
		// joins the broadcast topic, which does not count
		bob := enter(t, n, words, someone("bob")).subscribe(t, "one")
		if r, err := n.Publish(context.Background(), "acme", Target{All: true}, jsonEvent(t, "", 2)); err != nil ||
			r.Delivered != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		synctest.Wait()
		bob.wantHeard(t, `{"n":2}`)
	})
}

func TestPublish_TheExcludedConnectionAloneDoesNotGetIt(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		a := enter(t, n, words, someone("ann")).subscribe(t, "room/1", "room")
		b := enter(t, n, words, someone("ann")).subscribe(t, "room")
		for _, to := range []Target{{Topic: "room/1"}, {Users: []string{"ann"}}, {All: true}} {
			to.Exclude = a.link.ID()
			r, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "", 1))
			if err != nil || r.Delivered != 1 {
				t.Errorf("%+v: %+v, %v", to, r, err)
			}
		}
		synctest.Wait()
		a.wantHeard(t)
		if len(b.heard()) != 3 {
			t.Errorf("the other heard %v", b.heard())
		}
	})
}

func TestPublish_AnEventWithoutWordsInADialectIsNeitherDeliveredNorCountedThere(t *testing.T) {
	mute := &speech{name: "mute", encode: func(*protocol.Event, protocol.Projection) []byte { return nil }}
	bubble(t, Config{}, func(n *Node) {
		a := enter(t, n, mute, someone("ann")).subscribe(t, "room")
		b := enter(t, n, words, someone("bob")).subscribe(t, "room")
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 1)); r.Delivered != 1 {
			t.Errorf("delivered %d", r.Delivered)
		}
		synctest.Wait()
		a.wantHeard(t)
		b.wantHeard(t, `{"n":1}`)
	})
}

// reliability.md check 23: two tenants with the same topics and users, 100,000 publishes to topics, users and all:
// nothing crosses over.
func TestTenant_AHundredThousandPublishesNeverCrossOver(t *testing.T) {
	n := New(Config{}, &gateway{}, TenantConfig{Name: "acme"}, TenantConfig{Name: "other"})
	defer n.Close()
	const publishers, each = 4, 25_000
	var heard, strays [2]atomic.Int64
	for i, tenant := range []string{"acme", "other"} {
		mark := []byte(tenant)
		for _, user := range []string{"ann", "bob"} {
			h, w := &hand{}, &sink{got: func(f *outbox.Frame) {
				if f.Op == outbox.Ping { // on a slow machine
					return
				}
				heard[i].Add(1)
				if !bytes.Contains(f.Data, mark) {
					strays[i].Add(1)
				}
			}}
			h.opened = []protocol.Command{protocol.Subscribe{Topic: "room"}}
			_, err := n.Connect(ConnectOptions{Tenant: tenant, Dialect: words, Session: h, Identity: someone(user)},
				func(l *Conn) outbox.Transport {
					w.link = l
					return w
				})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var delivered, probes [2]atomic.Int64
	for i, tenant := range []string{"acme", "other"} { // all are subscribed
		for found := 0; found < 2; probes[i].Add(int64(found)) {
			r, err := n.Publish(context.Background(), tenant, Target{Topic: "room"}, tagged(t, tenant, 0))
			if err != nil {
				t.Fatal(err)
			} else {
				found = r.Delivered
			}
		}
	}
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			tenant := []string{"acme", "other"}[p%2]
			for i := range each {
				to := []Target{{Topic: "room"}, {Users: []string{"ann"}}, {All: true}, {Topic: "room"}}[i%4]
				r, err := n.Publish(context.Background(), tenant, to, tagged(t, tenant, i))
				if err != nil {
					t.Error(err)
					return
				}
				delivered[p%2].Add(int64(r.Delivered))
			}
		})
	}
	wg.Wait()
	for i, tenant := range []string{"acme", "other"} {
		if got, want := heard[i].Load()-probes[i].Load(), delivered[i].Load(); strays[i].Load() != 0 || got != want ||
			want != 2*each*7/4 {
			t.Errorf("%s heard %d, %d were delivered, want %d; %d of another tenant's", tenant, got, want, 2*each*7/4,
				strays[i].Load())
		}
	}
}

// tagged is an event that says whose it is.
func tagged(t testing.TB, tenant string, n int) *protocol.Event {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
		Data: fmt.Appendf(nil, `{"tenant":%q,"n":%d}`, tenant, n)})
	if err != nil {
		t.Error(err)
	}
	return ev
}

// reliability.md check 23: tenants do not see each other.
func TestTenant_HearsSeesAndCountsNothingOfAnother(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "other"})
		ann := enter(t, n, words, someone("ann")).subscribe(t, "room")
		ctx := context.Background()
		for _, to := range []Target{{Topic: "room"}, {Users: []string{"ann"}}, {All: true}} {
			if r, err := n.Publish(ctx, "other", to, jsonEvent(t, "", 1)); err != nil || r.Delivered != 0 {
				t.Errorf("%+v: %+v, %v", to, r, err)
			}
		}
		synctest.Wait()
		ann.wantHeard(t)
		if found, _, err := n.Connections(ctx, "other", ConnectionQuery{}); err != nil || len(found) != 0 {
			t.Errorf("connections: %v, %v", found, err)
		}
		for name, err := range map[string]error{
			"Connection":     second(n.Connection(ctx, "other", ann.link.ID())),
			"User":           second(n.User(ctx, "other", "ann")),
			"Disconnect":     n.Disconnect("other", ann.link.ID(), 0, ""),
			"DisconnectUser": second(n.DisconnectUser(ctx, "other", "ann", 0, "")),
		} {
			if reasonOf(err) != protocol.NotFound {
				t.Errorf("%s of another tenant: %v", name, err)
			}
		}
		if closed, _, err := n.Revoke(ctx, "other", grant.Revocation{User: "ann"}); closed != 0 || err != nil {
			t.Errorf("Revoke of another tenant closed %d, %v", closed, err)
		}
		if s := n.Stats("other"); s.TotalConnections != 0 {
			t.Errorf("stats: %+v", s)
		}
		page, err := n.History(ctx, "acme", "room", protocol.Position{}, 0)
		if err != nil || len(page.Events) != 0 {
			t.Errorf("history: %+v, %v", page, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestNode_KnowsNoTenantThatWasNotSet(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		if err := n.Admit("other", words, "192.0.2.1"); reasonOf(err) != protocol.NotFound {
			t.Errorf("Admit: %v", err)
		}
		_, err := n.Connect(ConnectOptions{Tenant: "other", Dialect: words, Session: &hand{}}, nil)
		if reasonOf(err) != protocol.NotFound {
			t.Errorf("Connect: %v", err)
		}
		if got := strings.Join(n.Tenants(), ","); got != "acme" {
			t.Errorf("tenants: %s", got)
		}
		if s := n.Stats("other"); s.Dialects != nil {
			t.Errorf("stats: %+v", s)
		}
		_, failure := n.Publish(context.Background(), "other", Target{All: true}, jsonEvent(t, "", 1))
		if !errors.Is(failure, protocol.Refuse(protocol.NotFound, "")) {
			t.Errorf("Publish: %v", failure)
		}
	})
}

// reliability.md check 58, the engine's part: when all come at once, a mailbox that is full of them refuses nobody.
func TestConnect_MoreAtOnceThanAMailboxHoldsAllGetIn(t *testing.T) {
	bubble(t, Config{MailboxSize: 16}, func(n *Node) {
		first := enter(t, n, words, someone("first")).subscribe(t, "known")
		for range 3 { // those who come wait for 50 ms
			crashTopic(n, broadcastTopic)
			crashTopic(n, "known")
			synctest.Wait()
		}
		for i := range 100 {
			c := &client{&tape{}, &hand{opened: []protocol.Command{protocol.Subscribe{Topic: "known"},
				protocol.Subscribe{Topic: "new"}}}}
			_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: c.hand,
				Identity: someone(fmt.Sprint(i))}, func(l *Conn) outbox.Transport {
				c.link = l
				return c.tape
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		for topic, want := range map[string]int{"known": 101, "new": 100} {
			if r := mustPublish(t, n, topic, jsonEvent(t, "", 1)); r.Delivered != want {
				t.Errorf("%s reached %d, want %d", topic, r.Delivered, want)
			}
		}
		if r, err := n.Publish(context.Background(), "acme", Target{All: true}, jsonEvent(t, "", 2)); err != nil ||
			r.Delivered != 101 {
			t.Errorf("%+v, %v", r, err)
		}
		first.link.Gone(protocol.Disconnected)
	})
}
