package actors

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// comeBack connects as a client that calls itself by a key.
func comeBack(t testing.TB, n *Node, d protocol.Dialect, id *protocol.Identity, key string) *client {
	t.Helper()
	c := &client{&tape{}, &hand{}}
	_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: d, Session: c.hand, Identity: id, Client: key},
		func(l *Conn) outbox.Transport { c.link = l; return c.tape })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lose breaks a client's connection: nothing is written any more.
func (c *client) lose() {
	c.stop(true)
	c.link.Gone(protocol.Lost)
	synctest.Wait()
}

// told is what the node says about a client's connection.
func (c *client) told(t testing.TB) ConnectionInfo {
	t.Helper()
	info, err := c.link.info(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// wantBack checks what a client got back.
func (c *client) wantBack(t testing.TB, restored, replayed, missed int) {
	t.Helper()
	if i := c.told(t); i.Restored != restored || i.Replayed != replayed || i.Missed != missed {
		t.Errorf("%s: %d restored, %d replayed, %d missed; want %d, %d, %d", i.ID, i.Restored, i.Replayed, i.Missed,
			restored, replayed, missed)
	}
}

var lingering = Config{Linger: 2 * time.Minute}

// reliability.md check 30: disconnected for 0.1, 5 and 60 s, without words.
func TestSessionResume_AClientThatComesBackHearsWhatItMissedOnceAndBeforeWhatIsNew(t *testing.T) {
	for _, away := range []time.Duration{100 * time.Millisecond, 5 * time.Second, time.Minute} {
		for _, key := range []string{"", "tab-1"} {
			t.Run(away.String()+key, func(t *testing.T) {
				bubble(t, lingering, func(n *Node) {
					c := comeBack(t, n, words, someone("ann"), key).subscribe(t, "room", "hall")
					publishNumbers(t, n, "room", 1, 2)
					synctest.Wait()
					c.lose()
					publishNumbers(t, n, "room", 3, 4)
					time.Sleep(away)
					publishNumbers(t, n, "room", 5, 6)
					again := comeBack(t, n, words, someone("ann"), key)
					publishNumbers(t, n, "room", 7, 8)
					synctest.Wait()
					again.wantHeard(t, countedUp(3, 8)...)
					if i := again.told(t); i.Restored != 2 || i.Replayed < 4 || i.Missed != 0 {
						t.Errorf("%+v", i)
					}
					again.subscribe(t, "room") // as a client does that does not know
					publishNumbers(t, n, "room", 9, 9)
					synctest.Wait()
					again.wantHeard(t, countedUp(3, 9)...)
					if f := n.Metrics(); f.Restored != 1 || f.SuspendedSessions != 0 || f.SuspendedSessionBytes != 0 ||
						len(f.Missed) != 0 {
						t.Errorf("%+v", f)
					}
				})
			})
		}
	}
}

func TestSessionResume_UnwrittenEventsComeFirst(t *testing.T) {
	for name, written := range map[string]bool{"what the transport had taken was not": false,
		"what the transport had taken was": true} {
		t.Run(name, func(t *testing.T) { notWritten(t, written) })
	}
}

func notWritten(t *testing.T, written bool) {
	bubble(t, lingering, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "room")
		publishNumbers(t, n, "room", 1, 2)
		synctest.Wait()
		c.stop(true)
		publishNumbers(t, n, "room", 3, 4)
		_, err := n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "", 100))
		if err != nil {
			t.Fatal(err)
		}
		taken := c.link.Outbox().Take(nil, 1) // on its way into the kernel when the socket breaks
		publishNumbers(t, n, "room", 5, 5)
		c.lose()
		publishNumbers(t, n, "room", 6, 6)
		want := []string{`{"n":3}`, `{"n":4}`, `{"n":100}`, `{"n":5}`, `{"n":6}`}
		if written {
			freed, _ := c.link.Outbox().Ack(taken, time.Now().UnixNano())
			c.link.Outbox().Backpressure().Add(-freed)
			want = want[1:]
		}
		again := enter(t, n, words, someone("ann"))
		if !written {
			synctest.Wait()
			again.wantHeard(t) // it may be being written
			time.Sleep(outbox.FlushTime)
		}
		synctest.Wait()
		again.wantHeard(t, want...)
		again.wantBack(t, 1, len(want), 0)
	})
}

func TestSessionResume_APendingSampleIsNotLost(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		c := enter(t, n, words, someone("ann"))
		c.want(t, "telemetry/7", protocol.Filter{Every: time.Minute})
		for i := range 3 {
			mustPublish(t, n, "telemetry/7", metrics(t, "7", fmt.Sprintf(`"temp":%d`, i)))
		}
		synctest.Wait()
		c.wantHeard(t, "telemetry/7 temp=0")
		c.lose()
		again := enter(t, n, words, someone("ann"))
		synctest.Wait()
		again.wantHeard(t, "telemetry/7 temp=2")
	})
}

// The topic below was subscribed to first, so it is attached beside the one above.
func TestSessionResume_TopicsAboveAndBelowAreRestoredAsTheyWere(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "a/b", "a")
		publishNumbers(t, n, "a/b", 1, 1)
		publishNumbers(t, n, "a/c", 2, 2)
		synctest.Wait()
		c.lose()
		publishNumbers(t, n, "a/b", 3, 3)
		publishNumbers(t, n, "a/c", 4, 4)
		again := enter(t, n, words, someone("ann"))
		synctest.Wait()
		if got := again.heard(); len(got) != 2 {
			t.Errorf("heard %q", got)
		}
		again.forget()
		publishNumbers(t, n, "a/b", 5, 5)
		publishNumbers(t, n, "a/c", 6, 6)
		again.do(protocol.Unsubscribe{Topic: "a"})
		publishNumbers(t, n, "a/b", 7, 7)
		publishNumbers(t, n, "a/c", 8, 8)
		synctest.Wait()
		again.wantHeard(t, countedUp(5, 7)...)
	})
}

func TestSessionResume_ASilentPeerMayComeBack(t *testing.T) {
	bubble(t, Config{Linger: time.Minute, PingEvery: 10 * time.Second, Timeout: 20 * time.Second}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "room")
		time.Sleep(45 * time.Second)
		if code, _ := c.ended(); openLinks(n) != 0 || code != 0 {
			t.Fatalf("%d open, ended with %d", openLinks(n), code)
		}
		publishNumbers(t, n, "room", 1, 1)
		again := enter(t, n, words, someone("ann"))
		synctest.Wait()
		again.wantHeard(t, countedUp(1, 1)...)
	})
}

func TestSessionResume_AKeyTakesOverAConnectionThatIsStillThere(t *testing.T) {
	one := &speech{name: "one", limits: protocol.Limits{PerUser: 1}}
	bubble(t, lingering, func(n *Node) {
		old := comeBack(t, n, one, someone("ann"), "tab").subscribe(t, "room")
		publishNumbers(t, n, "room", 1, 1)
		synctest.Wait()
		old.stop(true) // its peer has vanished
		publishNumbers(t, n, "room", 2, 2)
		again := comeBack(t, n, one, someone("ann"), "tab")
		publishNumbers(t, n, "room", 3, 3)
		synctest.Wait()
		again.wantHeard(t, countedUp(2, 3)...)
		old.wantHeard(t, countedUp(1, 1)...)
		if code, reason := old.ended(); code != 1000 || !strings.Contains(reason, "replaced") || openLinks(n) != 1 {
			t.Errorf("the old one ended with %d %q, %d are open", code, reason, openLinks(n))
		}
		// Keys are each user's own, and each dialect's.
		other := comeBack(t, n, one, someone("bob"), "tab")
		words := comeBack(t, n, words, someone("ann"), "tab")
		synctest.Wait()
		other.wantBack(t, 0, 0, 0)
		words.wantBack(t, 0, 0, 0)
		if openLinks(n) != 3 {
			t.Errorf("%d are open", openLinks(n))
		}
	})
}

func TestSessionResume_WithoutAKeyNobodyIsTakenForSomebodyElse(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		back := func(restored int) *client {
			t.Helper()
			c := enter(t, n, words, someone("ann"))
			synctest.Wait()
			c.wantBack(t, restored, 0, 0)
			return c
		}
		a, b := back(0).subscribe(t, "a"), back(0).subscribe(t, "b")
		a.lose() // its client may be b, which is newer: its session is given up
		c := back(0)
		b.lose() // its client may be c
		d := back(0)
		c.lose()     // or d
		d.lose()     // the only one left: its session waits
		e := back(0) // and is resumed, without a subscription
		e.subscribe(t, "e").lose()
		stays := back(1)
		back(0).subscribe(t, "f").lose() // its session waits, since the connection that stays is older
		back(0)                          // but which of them comes now, nobody knows: it is given up
		stays.lose()
		if f := n.Metrics(); f.SuspendedSessions != 0 || f.Missed[protocol.Conflict] == 0 {
			t.Errorf("%d sessions are suspended, missed %v", f.SuspendedSessions, f.Missed)
		}
	})
}

// welcoming is a session that subscribes before it says its first word, as the dashboard's does.
type welcoming struct{ hand }

func (w *welcoming) OnOpen(time.Time, uint64) []protocol.Command {
	return []protocol.Command{protocol.Subscribe{Topic: "room"}, protocol.Send{Text: []byte("welcome")}}
}

func TestSessionResume_NothingComesBeforeTheWelcome(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		enter(t, n, words, someone("ann")).subscribe(t, "room").lose()
		publishNumbers(t, n, "room", 1, 3)
		c := &client{&tape{}, nil}
		_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: &welcoming{},
			Identity: someone("ann")},
			func(l *Conn) outbox.Transport { c.link = l; return c.tape })
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.wantHeard(t, "welcome", `{"n":1}`, `{"n":2}`, `{"n":3}`)
	})
}
