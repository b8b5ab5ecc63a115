package actors

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

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
