package actors

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

func granted(user string, topics ...protocol.Pattern) *protocol.Identity {
	return &protocol.Identity{User: user, TokenID: strings.Join([]string{user, fmt.Sprint(len(topics))}, "-"),
		Topics: topics}
}

func TestRefresh_TheSameUserKeepsItsSubscriptionsAndLosesThoseThatAreNoLongerGranted(t *testing.T) {
	g := &gateway{}
	g.know("all", granted("ann", "*"))
	g.know("less", granted("ann", "a/b", "c"))
	g.know("bob", granted("bob", "*"))
	guarded(t, Config{}, g, func(n *Node) {
		c := enter(t, n, words, nil)
		c.hand.mild = true // it is told of those that it loses
		if out := c.do(login("all")); out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
		c.subscribe(t, "a", "a/b", "b", "c")
		if out := c.do(login("bob")); reasonOf(out[0].Err) != protocol.Forbidden {
			t.Errorf("another user: %+v", out)
		}
		if out := c.do(login("unknown")); reasonOf(out[0].Err) != protocol.InvalidToken {
			t.Errorf("a wrong token: %+v", out)
		}
		if info, err := n.Connection(context.Background(), "acme", c.link.ID()); err != nil || info.User != "ann" ||
			fmt.Sprint(info.Subscriptions) != "[a a/b b c]" {
			t.Errorf("after refused refreshes: %+v, %v", info, err)
		}
		if out := c.do(login("less")); out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
		info, err := n.Connection(context.Background(), "acme", c.link.ID())
		if err != nil || fmt.Sprint(info.Subscriptions) != "[a/b c]" {
			t.Errorf("after the refresh: %+v, %v", info, err)
		}
		for i, topic := range []string{"a", "a/x", "a/b", "a/b/c", "b", "c"} {
			mustPublish(t, n, topic, jsonEvent(t, "", i))
		}
		synctest.Wait()
		c.wantHeard(t, `{"n":2}`, `{"n":3}`, `{"n":5}`)
		if s := n.Stats("acme"); s.Authenticated != 1 {
			t.Errorf("%d are authenticated", s.Authenticated)
		}
		if u, err := n.User(context.Background(), "acme", "ann"); err != nil || len(u.Connections) != 1 {
			t.Errorf("the user: %+v, %v", u, err)
		}
	})
}

// reliability.md check 24.
func TestRevoke_ClosesWhatItCoversAndNothingPublishedLaterArrives(t *testing.T) {
	issued := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	for name, c := range map[string]struct {
		r    grant.Revocation
		gone string // of the connections below
	}{
		"user":         {grant.Revocation{User: "ann"}, "ann-1 ann-2"},
		"jti":          {grant.Revocation{TokenID: "one"}, "ann-1 bob-1"},
		"user and jti": {grant.Revocation{User: "ann", TokenID: "one"}, "ann-1"},
		"before":       {grant.Revocation{User: "ann", Before: issued.Add(-30 * time.Minute)}, "ann-1"},
		"nobody":       {grant.Revocation{User: "eve"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(n *Node) {
				all := map[string]*client{}
				for name, id := range map[string]*protocol.Identity{
					"ann-1": {User: "ann", TokenID: "one", Issued: issued.Add(-time.Hour)},
					"ann-2": {User: "ann", TokenID: "two", Issued: issued},
					"bob-1": {User: "bob", TokenID: "one", Issued: issued}, "bob-2": {User: "bob", Issued: issued},
				} {
					id.Topics = []protocol.Pattern{"*"}
					all[name] = enter(t, n, words, id).subscribe(t, "room")
				}
				closed, _, err := n.Revoke(context.Background(), "acme", c.r)
				if want := len(strings.Fields(c.gone)); err != nil || closed != want {
					t.Errorf("closed %d, want %d, %v", closed, want, err)
				}
				r := mustPublish(t, n, "room", jsonEvent(t, "", 1))
				if r.Delivered != 4-closed {
					t.Errorf("delivered to %d", r.Delivered)
				}
				synctest.Wait()
				for name, client := range all {
					if strings.Contains(c.gone, name) {
						client.wantEnd(t, protocol.Revoked)
						client.wantHeard(t, "bye: revoked")
					} else {
						client.wantHeard(t, `{"n":1}`)
					}
				}
			})
		})
	}
}

// F3: what was taken back lets in at once, also who is coming in at that moment, and so does a later call that covers
// less.
func TestUnrevoke_LetsInAtOnce(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		ctx, ann := context.Background(), someone("ann")
		ann.Issued = time.Now()
		time.Sleep(time.Second)
		for _, undo := range []func() error{
			func() error {
				was, err := n.Unrevoke("acme", grant.Revocation{User: "ann"})
				if !was {
					t.Error("there was none")
				}
				return err
			},
			func() error {
				_, _, err := n.Revoke(ctx, "acme", grant.Revocation{User: "ann", Before: ann.Issued.Add(-time.Hour)})
				return err
			},
		} {
			first := enter(t, n, words, ann).subscribe(t, "room")
			if closed, _, err := n.Revoke(ctx, "acme", grant.Revocation{User: "ann"}); closed != 1 || err != nil {
				t.Fatalf("closed %d, %v", closed, err)
			}
			synctest.Wait()
			first.wantEnd(t, protocol.Revoked)
			turned := enter(t, n, words, ann)
			synctest.Wait()
			turned.wantEnd(t, protocol.Revoked)
			if err := undo(); err != nil {
				t.Fatal(err)
			}
			enter(t, n, words, ann).subscribe(t, "room").link.Gone(protocol.Lost)
			synctest.Wait()
		}
		if was, err := n.Unrevoke("acme", grant.Revocation{User: "eve"}); was || err != nil {
			t.Errorf("%t, %v", was, err)
		}
		_, err := n.Unrevoke("nobody", grant.Revocation{User: "ann"})
		if protocol.AsRefusal(err).Reason != protocol.NotFound {
			t.Errorf("%v", err)
		}
	})
}

// F16: a revocation that could not be kept is done all the same, and says so; one that is refused is not done.
func TestRevoke_SaysThatItWasNotKept(t *testing.T) {
	for reason, closes := range map[protocol.Reason]int{protocol.StorageFull: 1, protocol.Malformed: 0} {
		synctest.Test(t, func(t *testing.T) {
			n := New(Config{}, &gateway{notKept: protocol.Refuse(reason, "")}, TenantConfig{Name: "acme"})
			defer n.Close()
			ann := enter(t, n, words, someone("ann")).subscribe(t, "room")
			closed, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"})
			if closed != closes || protocol.AsRefusal(err).Reason != reason {
				t.Errorf("%s: closed %d, %v", reason, closed, err)
			}
			synctest.Wait()
			if closes == 1 {
				ann.wantEnd(t, protocol.Revoked)
			}
		})
	}
}

// A publish after Revoke returned reaches no connection of the user, whatever these were doing at that moment.
func TestRevoke_HoldsAgainstConnectionsThatComeInAtThatMoment(t *testing.T) {
	for round := range 8 {
		g := &gateway{}
		g.know("ann", someone("ann"))
		n := New(Config{}, g, TenantConfig{Name: "acme"})
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				h := &hand{}
				if i%2 == 0 { // logs in over its socket
					h.opened = []protocol.Command{login("ann"), protocol.Subscribe{Topic: "room"}}
					tryEnterWith(n, h, nil)
					return
				}
				id, err := g.Authenticate(context.Background(), "acme", protocol.Credential{Token: "ann"})
				if err == nil { // was checked before its upgrade
					h.opened = []protocol.Command{protocol.Subscribe{Topic: "room"}}
					tryEnterWith(n, h, id)
				}
			})
		}
		for range round * 300 {
			runtime.Gosched()
		}
		if _, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			for _, to := range []Target{{Topic: "room"}, {Users: []string{"ann"}}, {All: true}} {
				if r, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "", i)); err != nil ||
					r.Delivered != 0 {
					t.Errorf("after Revoke returned, %+v was delivered to %d, %v", to, r.Delivered, err)
				}
			}
			wg.Wait()
		}
		n.Close()
	}
}

func tryEnterWith(n *Node, h *hand, id *protocol.Identity) (*client, *protocol.Refusal) {
	c := &client{&tape{}, h}
	_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: h, Identity: id},
		func(l *Conn) outbox.Transport {
			c.link = l
			return c.tape
		})
	return c, err
}

func TestRevoke_ClosesAConnectionWhoseCredentialIsBeingChecked(t *testing.T) {
	g := &gateway{}
	g.know("ann", someone("ann"))
	guarded(t, Config{}, g, func(n *Node) {
		g.hold, g.inside = make(chan struct{}), make(chan struct{}, 1)
		c := enter(t, n, words, nil)
		c.send(batch{messages: 1, commands: []protocol.Command{login("ann"), protocol.Subscribe{Topic: "room"}}})
		<-g.inside // it held before the revocation
		done := make(chan int)
		go func() {
			closed, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"})
			if err != nil {
				t.Error(err)
			}
			done <- closed
		}()
		synctest.Wait()
		close(g.hold)
		if closed := <-done; closed != 1 {
			t.Errorf("closed %d", closed)
		}
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 1)); r.Delivered != 0 {
			t.Errorf("delivered to %d", r.Delivered)
		}
		synctest.Wait()
		c.wantEnd(t, protocol.Revoked)
	})
}

func TestRevoke_ClosesAConnectionWhoseCredentialWasCheckedBeforeItsUpgrade(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		token := func(id string, issued time.Duration) *protocol.Identity {
			return &protocol.Identity{User: "ann", TokenID: id, Issued: time.Now().Add(issued),
				Topics: []protocol.Pattern{"*"}}
		}
		if _, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"}); err != nil {
			t.Fatal(err)
		}
		before, after := enter(t, n, words, token("x", -time.Second)), enter(t, n, words, token("y", time.Second))
		if _, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{TokenID: "z"}); err != nil {
			t.Fatal(err)
		}
		named := enter(t, n, words, token("z", time.Second))
		synctest.Wait()
		before.wantEnd(t, protocol.Revoked)
		named.wantEnd(t, protocol.Revoked)
		if after.link.flags.has(isGone) {
			t.Error("a token that was issued after the revocation does not hold")
		}
	})
}

func TestRevoke_TellsTheAuthenticatorAndRefusesWhatNamesNobody(t *testing.T) {
	g := &gateway{}
	g.know("ann", someone("ann"))
	guarded(t, Config{}, g, func(n *Node) {
		for _, r := range []grant.Revocation{{}, {Before: time.Now()}} {
			if _, _, err := n.Revoke(context.Background(), "acme", r); reasonOf(err) != protocol.Malformed {
				t.Errorf("%+v: %v", r, err)
			}
		}
		_, _, err := n.Revoke(context.Background(), "none", grant.Revocation{User: "ann"})
		if reasonOf(err) != protocol.NotFound {
			t.Errorf("an unknown tenant: %v", err)
		}
		if _, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"}); err != nil {
			t.Fatal(err)
		}
		if out := enter(t, n, words, nil).do(login("ann")); reasonOf(out[0].Err) != protocol.InvalidToken {
			t.Errorf("a login after the revocation: %+v", out)
		}
	})
}
