package actors

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

func TestSubscriptions_ARefusedChangeLeavesTheSubscriptionAsItWas(t *testing.T) {
	owner := &grant.Grant{Identity: someone("owner")}
	slowly := protocol.Filter{Every: time.Second}
	for name, before := range map[string]func(*subscriptions){
		"none":                 func(*subscriptions) {},
		"of everything":        func(h *subscriptions) { h.Add("room", protocol.Filter{}, nil) },
		"with a filter":        func(h *subscriptions) { h.Add("room", slowly, nil) },
		"by another's right":   func(h *subscriptions) { h.Add("room", slowly, owner) },
		"of another topic":     func(h *subscriptions) { h.Add("hall", slowly, owner) },
		"of a topic below too": func(h *subscriptions) { h.Add("room/1", slowly, nil); h.Add("room", slowly, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			was, is := &subscriptions{}, &subscriptions{}
			before(was)
			before(is)
			of, _ := is.Find("room")
			is.Add("room", protocol.Filter{Every: time.Minute}, nil)
			if broken := is.rollback(nil, "room", of, nil); broken != nil {
				t.Fatal(broken)
			}
			if !reflect.DeepEqual(was.Subscriptions, is.Subscriptions) &&
				len(was.Subscriptions)+len(is.Subscriptions) > 0 {
				t.Errorf("before %+v, after %+v", was.Subscriptions, is.Subscriptions)
			}
		})
	}
}

// A subscription that stays is not disturbed by others that come and go meanwhile: no event is lost, none comes twice.
func TestSubscriptions_ChangesNeitherLoseNorRepeatEventsOfASubscriptionThatStays(t *testing.T) {
	for _, c := range []struct {
		stays   string
		changes []string
	}{{"a/b", []string{"a", "a/b/c", "a/b/d"}}, {"a", []string{"a/b", "a/b/c"}}, {"a/b/c", []string{"a", "a/b"}}} {
		t.Run(strings.ReplaceAll(c.stays, "/", "."), func(t *testing.T) {
			n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
			defer n.Close()
			var mu sync.Mutex
			var heard []string
			h := &hand{}
			s := &sink{got: func(f *outbox.Frame) {
				mu.Lock()
				heard = append(heard, string(f.Data))
				mu.Unlock()
			}}
			_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: h, Identity: someone("a")},
				func(l *Conn) outbox.Transport {
					s.link = l
					return s
				})
			if err != nil {
				t.Fatal(err)
			}
			me := (&client{&tape{link: s.link}, h}).subscribe(t, c.stays)
			published := make(chan []string)
			stop := make(chan struct{})
			go func() {
				var all []string
				defer func() { published <- all }()
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					mustPublish(t, n, "a/b/c", jsonEvent(t, "", i))
					all = append(all, fmt.Sprintf(`{"n":%d}`, i))
				}
			}()
			rng := rand.New(rand.NewPCG(5, 6))
			for range 300 {
				topic := c.changes[rng.IntN(len(c.changes))]
				if rng.IntN(2) == 0 {
					me.subscribe(t, topic)
				} else {
					me.do(protocol.Unsubscribe{Topic: topic})
				}
			}
			close(stop)
			want := <-published
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(heard, want) {
				t.Errorf("heard %d events, want %d; the first that differs: %d", len(heard), len(want),
					firstDifference(heard, want))
			}
		})
	}
}

// An event that waits in a topic while the connection is detached from it, and another topic takes over, is not heard
// from both.
func TestSubscriptions_ADetachedTopicDeliversNothingThatAnotherOneDeliversByThen(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("a")).subscribe(t, "a/b", "a", "a/x")
		c.do(protocol.Unsubscribe{Topic: "a"}) // stays attached for a/x
		for range 3 {                          // the third restart is 50 ms away
			crashTopic(n, "a/b")
			synctest.Wait()
		}
		published := make(chan Receipt)
		go func() { published <- mustPublish(t, n, "a/b", jsonEvent(t, "", 1)) }()
		synctest.Wait()
		c.do(protocol.Unsubscribe{Topic: "a/b"}, protocol.Subscribe{Topic: "a/b"}) // now from a
		if r := <-published; r.Delivered != 1 {
			t.Errorf("%+v", r)
		}
		mustPublish(t, n, "a/b", jsonEvent(t, "", 2))
		synctest.Wait()
		c.wantHeard(t, `{"n":1}`, `{"n":2}`)
	})
}

func firstDifference(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// reliability.md check 25: 50 clients at once; each ends in the state that the last reply says, and nothing is left
// over.
func TestSubscriptions_SubscribingAndUnsubscribingFromManyClientsEndsInTheStateOfTheLastReply(t *testing.T) {
	n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
	defer n.Close()
	rounds := 200 // times 50 clients
	if raceEnabled {
		rounds = 60
	}
	var all []*client
	states := make([]bool, 50)
	for i := range states {
		all = append(all, enter(t, n, words, someone(fmt.Sprint(i))))
	}
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			for range rounds {
				if states[i] = rng.IntN(2) == 0; states[i] {
					c.subscribe(t, "room/1")
				} else {
					c.do(protocol.Unsubscribe{Topic: "room/1"})
				}
			}
		})
	}
	wg.Wait()
	want := 0
	for _, subscribed := range states {
		if subscribed {
			want++
		}
	}
	if r := mustPublish(t, n, "room/1", jsonEvent(t, "", 1)); r.Delivered != want {
		t.Errorf("delivered to %d, want %d", r.Delivered, want)
	}
	answer := mailbox.NewReply[TopicInfo]()
	n.tenant("acme").topics.Send("room/1", describe{answer})
	if info, _ := answer.Wait(t.Context()); info.Subscribers != want {
		t.Errorf("%d subscribers, want %d", info.Subscribers, want)
	}
}
