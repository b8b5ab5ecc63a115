package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

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
