package actors

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// Many events wait for a client that does not read. The answers to its commands overtake them, except where the order
// says something: the end of a subscription comes after its events.
func TestControlQueue_TheEndOfASubscriptionComesAfterItsEvents(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("a")).subscribe(t, "room")
		synctest.Wait()
		c.forget()
		c.stop(true)
		event := mustPublish(t, n, "room", jsonEvent(t, "", 1))
		c.do(protocol.Send{Text: []byte("pong")})
		c.do(protocol.Subscribe{Topic: "other"}, protocol.Send{Text: []byte("subscribed")})
		mustPublish(t, n, "other", jsonEvent(t, "", 2))
		c.do(protocol.Unsubscribe{Topic: "room"}, protocol.Send{Text: []byte("unsubscribed")})
		mustPublish(t, n, "other", jsonEvent(t, "", 3))
		c.do(protocol.Send{Text: []byte("pong again")})
		c.stop(false)
		synctest.Wait()
		if event.Delivered != 1 {
			t.Errorf("delivered to %d", event.Delivered)
		}
		c.wantHeard(t, "pong", "subscribed", `{"n":1}`, `{"n":2}`, "unsubscribed", `{"n":3}`, "pong again")
	})
}

// reliability.md check 38, the engine's part: a reader that does not read loses what its topic says, and stays.
func TestSlow_AReaderIsKeptOrEndedAsItsTopicSays(t *testing.T) {
	rules := policy.Rules{List: []policy.Rule{{Pattern: "telemetry/*", Slow: policy.Conflate},
		{Pattern: "log", Slow: policy.DropOldest}}}
	bubble(t, Config{QueueFrames: 40}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Rules: rules})
		synctest.Wait()
		slow := map[string]*client{}
		// telemetry goes by the rule of each event's own topic
		for _, topic := range []string{"telemetry", "log", "alerts"} {
			slow[topic] = enter(t, n, words, someone(topic)).subscribe(t, topic)
			slow[topic].stop(true)
		}
		for i := range 1000 {
			mustPublish(t, n, fmt.Sprint("telemetry/", i%5), jsonEvent(t, "", i))
			mustPublish(t, n, "log", jsonEvent(t, "", i))
			mustPublish(t, n, "alerts", jsonEvent(t, "", i))
		}
		synctest.Wait()
		slow["alerts"].wantEnd(t, protocol.Slow)
		slow["telemetry"].stop(false)
		slow["log"].stop(false)
		synctest.Wait()
		slow["telemetry"].wantHeard(t, `{"n":995}`, `{"n":996}`, `{"n":997}`, `{"n":998}`, `{"n":999}`)
		var newest []string
		for i := 970; i < 1000; i++ {
			newest = append(newest, fmt.Sprintf(`{"n":%d}`, i))
		}
		slow["log"].wantHeard(t, newest...)
		if drops := n.Metrics().Drops; drops[protocol.Stale] != 995+970 {
			t.Errorf("drops %v", drops)
		}
		if f := n.Metrics(); f.Backlog != 0 {
			t.Errorf("backlog %d", f.Backlog)
		}
	})
}

// A client that resumes behind what waits for it already, and reads on later, ends at what is newest.
func TestSlow_WhatIsNewerNeverGetsAheadOfAReplay(t *testing.T) {
	for _, slow := range []string{policy.Conflate, policy.DropOldest} {
		bubble(t, Config{QueueFrames: 40}, func(n *Node) {
			n.SetTenant(TenantConfig{Name: "acme",
				Rules: policy.Rules{List: []policy.Rule{{Pattern: "room/*", Slow: slow}}}})
			synctest.Wait()
			c := enter(t, n, words, someone("ann")).subscribe(t, "room")
			c.stop(true)
			start := c.do(protocol.Unsubscribe{Topic: "room"}, protocol.Subscribe{Topic: "room"})[1].Position
			publishNumbers(t, n, "room/1", 1, 12)
			c.do(protocol.Unsubscribe{Topic: "room"})
			if out := c.resume("room", start); out.Err != nil {
				t.Fatal(out.Err)
			}
			publishNumbers(t, n, "room/1", 13, 50)
			synctest.Wait()
			c.stop(false)
			synctest.Wait()
			if heard := c.heard(); len(heard) == 0 || heard[len(heard)-1] != `{"n":50}` {
				t.Errorf("%s: heard %q", slow, heard)
			}
		})
	}
}

// What would be conflated or dropped at once is not what a client resumes.
func TestSlow_AReplayThatDoesNotFitIsRefusedAndNotShed(t *testing.T) {
	bubble(t, Config{QueueFrames: 40}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme",
			Rules: policy.Rules{List: []policy.Rule{{Pattern: "log", Slow: policy.DropOldest}}}})
		synctest.Wait()
		at := publishNumbers(t, n, "log", 1, 1)
		publishNumbers(t, n, "log", 2, 36)
		c := enter(t, n, words, someone("ann"))
		if out := c.resume("log", at); reasonOf(out.Err) != protocol.PositionLost {
			t.Errorf("35 events of which 30 may wait: %v", out.Err)
		}
		at.Offset = 6
		if out := c.resume("log", at); out.Err != nil {
			t.Error(out.Err)
		}
		synctest.Wait()
		c.wantHeard(t, countedUp(7, 36)...)
	})
}

// reliability.md check 37, the engine's part.
func TestOutbox_ParkedSlowReadersSlowNoPublisherAndAreDisconnectedAsSlowWhileOthersGetEverything(t *testing.T) {
	const events, readers, stuck = 200, 20, 5
	bubble(t, Config{QueueBytes: 100 * 1024, Backlog: 64 << 10}, func(n *Node) {
		var good, bad []*client
		for i := range readers {
			good = append(good, enter(t, n, words, someone(fmt.Sprint("good", i))).subscribe(t, "room"))
		}
		for i := range stuck {
			c := enter(t, n, words, someone(fmt.Sprint("bad", i))).subscribe(t, "room")
			c.stop(true)
			c.link.Outbox().SetParked(true)
			bad = append(bad, c)
		}
		start := time.Now()
		var last Receipt
		for i := range events {
			ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
				Data: fmt.Appendf(nil, `{"n":%d,"x":%q}`, i, bytes.Repeat([]byte("x"), 1000))})
			if err != nil {
				t.Fatal(err)
			}
			last = mustPublish(t, n, "room", ev)
			synctest.Wait() // all who read have read
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("publishing took %s", took)
		}
		if last.Delivered != readers {
			t.Errorf("the last event was delivered to %d, want %d", last.Delivered, readers)
		}
		for _, c := range good {
			if len(c.heard()) != events {
				t.Errorf("%s heard %d of %d", c.link.ID(), len(c.heard()), events)
			}
		}
		for _, c := range bad {
			c.wantEnd(t, protocol.Slow)
			if got := c.refusals(); len(got) != 1 || got[0] != protocol.Slow {
				t.Errorf("the session was told %v", got)
			}
		}
		f := n.Metrics()
		if f.Drops[protocol.Slow] < stuck || f.Backlog != 0 {
			t.Errorf("drops %v, backlog %d", f.Drops, f.Backlog)
		}
		if s := n.Stats("acme"); s.ActiveConnections != readers {
			t.Errorf("%d connections are left, want %d", s.ActiveConnections, readers)
		}
	})
}
