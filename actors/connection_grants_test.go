package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// lentTo has a client subscribe to topics by somebody else's right.
func (c *client) lentTo(t testing.TB, owner *protocol.Identity, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		if out := c.do(protocol.Subscribe{Topic: topic, As: owner}); out[0].Err != nil {
			t.Fatalf("%s by the right of %s: %v", topic, owner.User, out[0].Err)
		}
	}
}

// hears checks what a client is subscribed to, and that it hears that and nothing else of all.
func (c *client) hears(t testing.TB, n *Node, all []string, want ...string) {
	t.Helper()
	c.forget()
	var texts []string
	for i, topic := range all {
		mustPublish(t, n, topic, jsonEvent(t, "", i))
		for _, w := range want {
			if w == topic {
				texts = append(texts, fmt.Sprintf(`{"n":%d}`, i))
			}
		}
	}
	synctest.Wait()
	c.wantHeard(t, texts...)
	if info, err := n.Connection(context.Background(), "acme", c.link.ID()); err != nil ||
		fmt.Sprint(info.Subscriptions) != fmt.Sprint(want) {
		t.Errorf("subscribed to %q, %v; want %q", info.Subscriptions, err, want)
	}
}

// keyOf is the key of a user's tokens.
func keyOf(user string) (key protocol.KeyFingerprint) {
	copy(key[:], user)
	return key
}

// guest is a user's identity by one token.
func guest(user, token string, issued time.Time) *protocol.Identity {
	return &protocol.Identity{User: user, TokenID: token, Key: keyOf(user), Issued: issued,
		Topics: []protocol.Pattern{"*"}}
}

// F17: user B's token attached a topic on A's connection; revoking B answered "closed: 0" and events went on arriving.
func TestRight_ARevokedRightEndsWhatWasSubscribedToByIt(t *testing.T) {
	topics := []string{"both", "others", "own"}
	for name, c := range map[string]struct {
		what grant.Revocation
		lost int
		left []string
	}{
		"of the user":         {grant.Revocation{User: "bob"}, 1, []string{"both", "own"}},
		"of the token":        {grant.Revocation{TokenID: "b1"}, 1, []string{"both", "own"}},
		"of the user's token": {grant.Revocation{User: "bob", TokenID: "b1"}, 1, []string{"both", "own"}},
		"of the user's older tokens": {grant.Revocation{User: "bob",
			Before: time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC)}, 1, []string{"both", "own"}},
		"of another token": {grant.Revocation{TokenID: "b2"}, 0, topics},
		"of another user":  {grant.Revocation{User: "eve"}, 0, topics},
		"of even older tokens": {grant.Revocation{User: "bob",
			Before: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)}, 0, topics},
		"of the other right to a few": {grant.Revocation{User: "cat"}, 0, topics},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(n *Node) {
				ann := enter(t, n, words, guest("ann", "a1", time.Now()))
				ann.mild = true
				bob, cat := guest("bob", "b1", time.Now()), guest("cat", "c1", time.Now())
				ann.subscribe(t, "own")
				ann.lentTo(t, bob, "others", "both")
				ann.lentTo(t, cat, "both")
				stranger := enter(t, n, words, guest("dan", "d1", time.Now())).subscribe(t, topics...)
				closed, unsubscribed, err := n.Revoke(context.Background(), "acme", c.what)
				if closed != 0 || unsubscribed != c.lost || err != nil {
					t.Errorf("closed %d, unsubscribed %d, %v; want 0, %d", closed, unsubscribed, err, c.lost)
				}
				ann.hears(t, n, topics, c.left...)
				stranger.hears(t, n, topics, topics...)
				if told := len(ann.refusals()); told != c.lost {
					t.Errorf("the client was told of %d, want %d", told, c.lost)
				}
			})
		})
	}
}

// F17: what was subscribed to by a token ends when the token's key is removed, and nothing is subscribed to by it
// later; connections go on, since keys change without dropping one.
func TestRight_ARemovedKeyEndsWhatWasSubscribedToByIt(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		ann := enter(t, n, words, guest("ann", "a1", time.Now()))
		bob := enter(t, n, words, guest("bob", "b1", time.Now())).subscribe(t, "own")
		ann.mild = true
		ann.subscribe(t, "own")
		ann.lentTo(t, guest("bob", "b2", time.Now()), "others")
		ann.lentTo(t, someone("cat"), "keyless")
		for round, want := range []int{1, 0} {
			unsubscribed, err := n.RetainKeys(context.Background(), "acme", func(key protocol.KeyFingerprint) bool {
				return key != keyOf("bob")
			})
			if unsubscribed != want || err != nil {
				t.Errorf("round %d: unsubscribed %d, %v; want %d", round, unsubscribed, err, want)
			}
		}
		ann.hears(t, n, []string{"keyless", "others", "own"}, "keyless", "own")
		bob.hears(t, n, []string{"others", "own"}, "own")
		out := ann.do(protocol.Subscribe{Topic: "others", As: guest("bob", "b3", time.Now())})
		if reasonOf(out[0].Err) != protocol.Revoked {
			t.Errorf("subscribed: %v", out[0].Err)
		}
		_, err := n.RetainKeys(context.Background(), "acme", func(protocol.KeyFingerprint) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		ann.lentTo(t, guest("bob", "b4", time.Now()), "others") // the key is back
		_, err = n.RetainKeys(context.Background(), "nobody", func(protocol.KeyFingerprint) bool { return true })
		if reasonOf(err) != protocol.NotFound {
			t.Errorf("of no tenant: %v", err)
		}
	})
}

// F17: a subscription by another's right outlived that one's token. One that was asked for anew, or by several, lives
// as long as the last of their tokens.
func TestRight_AnExpiredRightEndsWhatWasSubscribedToByIt(t *testing.T) {
	topics := []string{"first", "renewed", "second", "whole"}
	bubble(t, Config{Timeout: 24 * time.Hour}, func(n *Node) {
		in := func(user string, minutes time.Duration) *protocol.Identity {
			id := guest(user, fmt.Sprint(user, int(minutes)), time.Now())
			id.Expires = time.Now().Add(minutes * time.Minute).Round(0)
			return id
		}
		ann := enter(t, n, words, someone("ann"))
		ann.mild = true
		ann.lentTo(t, in("bob", 10), "first", "second", "renewed")
		ann.lentTo(t, in("cat", 20), "second")
		ann.lentTo(t, in("bob", 30), "renewed")
		ann.lentTo(t, someone("dan"), "whole")
		for _, want := range [][]string{topics, {"renewed", "second", "whole"}, {"renewed", "whole"}, {"whole"},
			{"whole"}} {
			ann.hears(t, n, topics, want...)
			time.Sleep(10*time.Minute + timer.Granularity)
			synctest.Wait()
		}
		if got := fmt.Sprint(ann.refusals()); got != "[token_expired token_expired token_expired]" {
			t.Errorf("the client was told %s", got)
		}
		if ann.link.flags.has(isGone) {
			t.Error("the connection ended with another's token")
		}
	})
}

// F17: a right that is revoked between the check of its credential and the subscription gives nothing.
func TestRight_ARightThatWasRevokedAMomentAgoGivesNothing(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		ann := enter(t, n, words, someone("ann"))
		bob := guest("bob", "b1", time.Now())
		if _, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{TokenID: "b1"}); err != nil {
			t.Fatal(err)
		}
		if out := ann.do(protocol.Subscribe{Topic: "room", As: bob}); reasonOf(out[0].Err) != protocol.Revoked {
			t.Errorf("subscribed: %v", out[0].Err)
		}
		ann.do(protocol.SetEventView{View: protocol.All, As: bob})
		if v := ann.link.view(); v != protocol.None {
			t.Errorf("its event view is %q", v)
		}
	})
}

// F17: what a connection hears of its user by a token of its own right ends with that token, and not the connection.
func TestRight_AnEventViewByARightEndsWithIt(t *testing.T) {
	told := &speech{name: "told", encode: func(ev *protocol.Event, v protocol.Projection) []byte {
		if v == protocol.None {
			return nil
		}
		return ev.Data
	}}
	for name, end := range map[string]func(n *Node){
		"expired": func(*Node) { time.Sleep(time.Hour + timer.Granularity) },
		"revoked": func(n *Node) { _, _, _ = n.Revoke(context.Background(), "acme", grant.Revocation{TokenID: "a2"}) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{Timeout: 24 * time.Hour}, func(n *Node) {
				ann := enter(t, n, told, guest("ann", "a1", time.Now()))
				ann.mild = true
				second := guest("ann", "a2", time.Now())
				second.Expires = time.Now().Add(time.Hour).Round(0)
				ann.do(protocol.SetEventView{View: protocol.All, As: second})
				tell(t, n, "ann", jsonEvent(t, "", 1))
				end(n)
				tell(t, n, "ann", jsonEvent(t, "", 2))
				synctest.Wait()
				ann.wantHeard(t, `{"n":1}`)
				if ann.link.flags.has(isGone) {
					t.Error("the connection ended")
				}
			})
		})
	}
}

// F17: a token that grants less than the one before ends what it does not grant, and the client is told of each topic.
func TestRight_ANarrowerTokenEndsWhatItDoesNotGrantAndSaysSo(t *testing.T) {
	g := &gateway{}
	g.know("less", &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"hall"}})
	guarded(t, Config{}, g, func(n *Node) {
		ann := enter(t, n, words, someone("ann")).subscribe(t, "room", "hall", "yard")
		ann.mild = true
		if out := ann.do(login("less")); out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
		ann.hears(t, n, []string{"room", "hall", "yard"}, "hall")
		if got := fmt.Sprint(ann.refusals()); got != "[forbidden forbidden]" {
			t.Errorf("the client was told %s", got)
		}
	})
}

// F17: what a client left is not given back by a right that has ended meanwhile, nor by one that it has not shown
// again.
func TestRight_ABorrowedRightIsNotInheritedByTheNextConnection(t *testing.T) {
	bubble(t, lingering, func(n *Node) {
		less := &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"own"}}
		ann := enter(t, n, words, less)
		ann.subscribe(t, "own")
		ann.lentTo(t, guest("bob", "b1", time.Now()), "others")
		ann.lose()
		if _, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{User: "bob"}); err != nil {
			t.Fatal(err)
		}
		again := enter(t, n, words, less)
		synctest.Wait()
		again.hears(t, n, []string{"others", "own"}, "own")
	})
}
