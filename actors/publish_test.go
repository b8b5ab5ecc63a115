package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

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
