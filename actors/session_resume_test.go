package actors

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/resume"
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

func TestSessionResume_AGoodbyeOrAnEndByTheServerLeavesNoSession(t *testing.T) {
	ann := func() *protocol.Identity {
		return &protocol.Identity{User: "ann", TokenID: "t1", Topics: []protocol.Pattern{"*"}}
	}
	for name, end := range map[string]func(t *testing.T, n *Node, c *client){
		"closed":       func(_ *testing.T, _ *Node, c *client) { c.link.Gone(protocol.Disconnected) },
		"malformed":    func(_ *testing.T, _ *Node, c *client) { c.link.Gone(protocol.Malformed) },
		"slow":         func(_ *testing.T, _ *Node, c *client) { c.link.Gone(protocol.Slow) },
		"disconnected": func(_ *testing.T, n *Node, c *client) { n.Disconnect("acme", c.link.ID(), 0, "") },
		"revoked": func(_ *testing.T, n *Node, c *client) {
			n.Revoke(context.Background(), "acme", grant.Revocation{TokenID: "t1"})
		},
		"suspended": func(_ *testing.T, n *Node, c *client) {
			n.SuspendTenant("acme", true)
			synctest.Wait()
			n.SuspendTenant("acme", false)
		},
		"drained": func(_ *testing.T, n *Node, c *client) { n.DrainTenant(context.Background(), "acme") },
		"crashed": func(_ *testing.T, n *Node, c *client) { c.send(batch{panics: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, lingering, func(n *Node) {
				c := enter(t, n, words, ann()).subscribe(t, "room")
				end(t, n, c)
				synctest.Wait()
				if f := n.Metrics(); f.SuspendedSessions != 0 {
					t.Errorf("%d sessions are suspended", f.SuspendedSessions)
				}
				again := enter(t, n, words, someone("ann"))
				publishNumbers(t, n, "room", 1, 1)
				synctest.Wait()
				again.wantHeard(t)
			})
		})
	}
}

func TestSessionResume_ARevocationOrAnEndMeanwhileForgetsTheSession(t *testing.T) {
	for name, take := range map[string]func(n *Node){
		"user revoked":      func(n *Node) { n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"}) },
		"token revoked":     func(n *Node) { n.Revoke(context.Background(), "acme", grant.Revocation{TokenID: "t1"}) },
		"user disconnected": func(n *Node) { n.DisconnectUser(context.Background(), "acme", "ann", 0, "") },
		"tenant restarted":  func(n *Node) { n.RestartTenant(context.Background(), "acme") },
		"tenant suspended": func(n *Node) {
			n.SuspendTenant("acme", true)
			n.SuspendTenant("acme", false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, lingering, func(n *Node) {
				id := &protocol.Identity{User: "ann", TokenID: "t1", Topics: []protocol.Pattern{"*"}}
				enter(t, n, words, id).subscribe(t, "room").lose()
				if f := n.Metrics(); f.SuspendedSessions != 1 {
					t.Fatalf("%d sessions are suspended", f.SuspendedSessions)
				}
				take(n)
				synctest.Wait()
				if f := n.Metrics(); f.SuspendedSessions != 0 || f.SuspendedSessionBytes != 0 {
					t.Errorf("%d sessions are suspended", f.SuspendedSessions)
				}
				time.Sleep(time.Second) // a token that is issued later is a new right
				again := enter(t, n, words,
					&protocol.Identity{User: "ann", TokenID: "t2", Issued: time.Now(), Topics: id.Topics})
				synctest.Wait()
				again.wantBack(t, 0, 0, 0)
			})
		})
	}
}

func TestSessionResume_OnlyAVerifiedUserLeavesASession(t *testing.T) {
	for name, id := range map[string]*protocol.Identity{
		"anonymous":  {Topics: []protocol.Pattern{"*"}},
		"unverified": {User: "ann", Unverified: true, Topics: []protocol.Pattern{"*"}},
	} {
		bubble(t, lingering, func(n *Node) {
			comeBack(t, n, words, id, "key").subscribe(t, "room").lose()
			if f := n.Metrics(); f.SuspendedSessions != 0 {
				t.Errorf("%s: %d sessions are suspended", name, f.SuspendedSessions)
			}
		})
	}
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

func TestSessionResume_EventsThatCannotBeReplayedAreCounted(t *testing.T) {
	t.Run("trimmed", func(t *testing.T) {
		bubble(t, Config{Linger: time.Minute, HistoryCount: 3}, func(n *Node) {
			enter(t, n, words, someone("ann")).subscribe(t, "room").lose()
			publishNumbers(t, n, "room", 1, 10)
			again := enter(t, n, words, someone("ann"))
			synctest.Wait()
			again.wantHeard(t, countedUp(8, 10)...)
			again.wantBack(t, 1, 3, 7)
			if f := n.Metrics(); f.Missed[protocol.PositionLost] != 7 {
				t.Errorf("missed %v", f.Missed)
			}
		})
	})
	t.Run("another epoch", func(t *testing.T) {
		bubble(t, Config{Linger: time.Hour, TopicIdle: time.Minute}, func(n *Node) {
			enter(t, n, words, someone("ann")).subscribe(t, "room").lose()
			time.Sleep(10 * time.Minute)
			publishNumbers(t, n, "room", 1, 2)
			again := enter(t, n, words, someone("ann"))
			synctest.Wait()
			again.wantHeard(t, countedUp(1, 2)...)
			again.wantBack(t, 1, 2, 2) // of the topic of all, too, nobody knows
		})
	})
	t.Run("no room", func(t *testing.T) {
		bubble(t, Config{Linger: time.Minute, QueueFrames: 4}, func(n *Node) {
			enter(t, n, words, someone("ann")).subscribe(t, "room").lose()
			publishNumbers(t, n, "room", 1, 10)
			again := enter(t, n, words, someone("ann"))
			synctest.Wait()
			again.wantHeard(t, countedUp(7, 10)...)
			again.wantBack(t, 1, 4, 6)
		})
	})
	t.Run("to the user and to all", func(t *testing.T) {
		bubble(t, lingering, func(n *Node) {
			enter(t, n, words, someone("ann")).lose()
			for i, to := range []Target{{Users: []string{"ann"}}, {All: true}, {All: true}} {
				if r, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "", i)); err != nil ||
					r.Delivered != 0 {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			again := enter(t, n, words, someone("ann"))
			synctest.Wait()
			again.wantHeard(t, `{"n":0}`)
			again.wantBack(t, 0, 1, 2)
		})
	})
	t.Run("no right any more", func(t *testing.T) {
		bubble(t, lingering, func(n *Node) {
			enter(t, n, words, someone("ann")).subscribe(t, "room", "hall").lose()
			publishNumbers(t, n, "room", 1, 1)
			publishNumbers(t, n, "hall", 2, 2)
			again := enter(t, n, words, &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"hall"}})
			synctest.Wait()
			again.wantHeard(t, countedUp(2, 2)...)
			again.wantBack(t, 1, 1, 1)
			if f := n.Metrics(); f.Missed[protocol.Forbidden] != 1 {
				t.Errorf("missed %v", f.Missed)
			}
		})
	})
	t.Run("a large session", func(t *testing.T) {
		bubble(t, lingering, func(n *Node) {
			long := &speech{name: "long", encode: func(ev *protocol.Event, _ protocol.Projection) []byte {
				return append([]byte(strings.Repeat("x", 100<<10)), ev.Data...)
			}}
			c := enter(t, n, long, someone("ann")).subscribe(t, "room")
			c.stop(true)
			publishNumbers(t, n, "room", 1, 5)
			c.lose()
			if f := n.Metrics(); f.SuspendedSessionBytes > resume.MaxSession {
				t.Errorf("a session of %d bytes", f.SuspendedSessionBytes)
			}
			again := enter(t, n, long, someone("ann"))
			synctest.Wait()
			again.wantBack(t, 1, 2, 3)
		})
	})
}

func TestSessionResume_AClientThatComesTooLateBeginsAnewAndItsUserIsRemoved(t *testing.T) {
	bubble(t, Config{Linger: 10 * time.Second}, func(n *Node) {
		enter(t, n, words, someone("ann")).subscribe(t, "room").lose()
		time.Sleep(9 * time.Second)
		if users := n.tenant("acme").users.Len(); users != 1 {
			t.Errorf("%d users", users)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if f := n.Metrics(); f.Faded != 1 || f.SuspendedSessions != 0 || f.SuspendedSessionBytes != 0 ||
			n.tenant("acme").users.Len() != 0 {
			t.Errorf("%+v, %d users", f, n.tenant("acme").users.Len())
		}
		again := enter(t, n, words, someone("ann"))
		synctest.Wait()
		again.wantBack(t, 0, 0, 0)
	})
}

func TestSessionResume_IsOffByDefaultAndEachTenantsOwn(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := comeBack(t, n, words, someone("ann"), "tab").subscribe(t, "room")
		if c.link.resume != nil {
			t.Error("what is off takes up room")
		}
		c.lose()
		if n.Metrics().SuspendedSessions != 0 {
			t.Error("its session is suspended, though it is off")
		}
		n.SetTenant(TenantConfig{Name: "acme", Linger: time.Minute})
		synctest.Wait()
		comeBack(t, n, words, someone("ann"), "tab").subscribe(t, "room").lose()
		if n.Metrics().SuspendedSessions != 1 {
			t.Error("its session is not suspended")
		}
		n.SetTenant(TenantConfig{Name: "acme", Linger: -1})
		synctest.Wait()
		comeBack(t, n, words, someone("bob"), "tab").subscribe(t, "room").lose()
		if n.Metrics().SuspendedSessions != 1 {
			t.Error("a session is suspended where it was switched off")
		}
	})
}

func TestSessionResume_SessionsOfOneUserAreBounded(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		for i := range resume.MaxPerUser + 3 {
			comeBack(t, n, words, someone("ann"), fmt.Sprint("tab-", i)).subscribe(t, "room").lose()
		}
		if f := n.Metrics(); f.SuspendedSessions != resume.MaxPerUser || f.Missed[protocol.TooMany] != 3 {
			t.Errorf("%d sessions are suspended, missed %v", f.SuspendedSessions, f.Missed)
		}
		for i, restored := range map[int]int{0: 0, 2: 0, 3: 1, resume.MaxPerUser + 2: 1} {
			c := comeBack(t, n, words, someone("ann"), fmt.Sprint("tab-", i))
			synctest.Wait()
			c.wantBack(t, restored, 0, 0)
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

func TestSessionResume_EventsThatAreNeverRestoredCountAsMissedOnce(t *testing.T) {
	n := &Node{services: services{totals: newTotals()}}
	g := resume.NewClient("tab")
	g.Resume(&resume.Session{Detached: outbox.Detached{Events: make([]*outbox.Frame, 5)}})
	g.GiveUp(n)
	g.GiveUp(n)
	if missed := n.missed[protocol.Disconnected]; missed != 5 || g.Missed.Load() != 5 {
		t.Errorf("the node counts %d, the connection %d; want 5", missed, g.Missed.Load())
	}
	var none *resume.Client
	none.GiveUp(n)
	none.Late(&outbox.Frame{})
	if none.Take() != nil || none.Key() != "" {
		t.Error("a client without a session has something to restore, or a key")
	}
}
