package actors

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

func TestPublish_ByAClientTakesTheRightOfItsTokenOrOfTheTopicsRule(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Rules: policy.Rules{List: []policy.Rule{
			{Pattern: "members", Publish: policy.PublishBySubscribers},
			{Pattern: "open", Publish: policy.PublishByClients},
		}}})
		synctest.Wait()
		some := &protocol.Identity{User: "a",
			Topics: []protocol.Pattern{"members", "open", "room", protocol.PublishTo("desk/*")}}
		for _, c := range []struct {
			topic      string
			subscribed bool
			want       protocol.Reason
		}{
			{"desk/1", false, ""}, {"desk", false, protocol.Forbidden}, {"room", true, protocol.Forbidden},
			{"members", false, protocol.Forbidden}, {"members", true, ""}, {"open", false, ""},
			{"open/1/2", false, ""}, {"opened", false, protocol.Forbidden}, {"", false, protocol.Malformed},
			{protocol.LifecycleTopic, false, protocol.Forbidden},
		} {
			conn := enter(t, n, words, some)
			if c.subscribed {
				conn.subscribe(t, c.topic)
			}
			if got := reasonOf(conn.publish(c.topic, 1)); got != c.want {
				t.Errorf("to %q, subscribed %t: %q, want %q", c.topic, c.subscribed, got, c.want)
			}
		}
		stranger := enter(t, n, words, nil)
		if got := reasonOf(stranger.publish("open", 1)); got != protocol.Unauthorized {
			t.Errorf("without an identity: %q", got)
		}
	})
}

// mayAll is the identity of a user who may hear everything, and publish everywhere.
func mayAll(user string) *protocol.Identity {
	return &protocol.Identity{User: user, Topics: []protocol.Pattern{"*", protocol.PublishTo("*")}}
}

// publish has a client publish {"n":number} and waits for the outcome.
func (c *client) publish(topic string, number int) error {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Data: fmt.Appendf(nil, `{"n":%d}`, number)})
	if err != nil {
		return err
	}
	out := c.await(protocol.Publish{Topic: topic, Event: ev})
	if out.Err != nil {
		return out.Err
	}
	return nil
}

// await has the connection do a command whose outcome comes later, and waits for it.
func (c *client) await(command protocol.Command) protocol.Outcome {
	done := make(chan protocol.Outcome, 1)
	c.hand.mu.Lock()
	c.hand.later = done
	c.hand.mu.Unlock()
	if now := c.do(command); len(now) > 0 {
		return now[0]
	}
	return <-done
}

func TestPublish_ByAClientIsHeardInItsOrderAndBeforeItsOutcome(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		id := mayAll("a")
		c, other := enter(t, n, words, id).subscribe(t, "room"), enter(t, n, words, someone("b")).subscribe(t, "room")
		c.hand.aloud = true
		var want []string
		var commands []protocol.Command
		for i := range 20 {
			commands = append(commands, protocol.Publish{Topic: "room", Event: jsonEvent(t, "", i), Tag: i})
			want = append(want, fmt.Sprintf(`{"n":%d}`, i))
		}
		c.do(commands...)
		c.do(protocol.Publish{Topic: "room", Event: jsonEvent(t, "", 20), ExcludeSelf: true, Tag: 20})
		synctest.Wait()
		other.wantHeard(t, append(want, `{"n":20}`)...)
		own := map[string]int{}
		for i, text := range c.heard() {
			own[text] = i
		}
		if _, echoed := own[`{"n":20}`]; echoed {
			t.Error("an event that excludes its publisher came back")
		}
		for i := range 20 {
			event, answer := own[want[i]], own[fmt.Sprintf("published %d at %d", i, i+1)]
			if answer == 0 || answer < event {
				t.Errorf("event %d was heard as frame %d, its outcome as frame %d", i, event, answer)
			}
		}
		if got := len(c.heard()); got != 41 {
			t.Errorf("heard %d frames, want 20 events and 21 outcomes: %q", got, c.heard())
		}
	})
}

// The actor goes on while a publish waits, and what waits has a bound.
func TestPublish_ThatWaitsHoldsUpNothingElse(t *testing.T) {
	bubble(t, Config{PublishWait: time.Second, RequestTimeout: 2 * time.Second, QueueBytes: 1 << 20, Backlog: 1 << 10},
		func(n *Node) {
			reader := enter(t, n, words, someone("r")).subscribe(t, "room")
			reader.stop(true)
			id := mayAll("a")
			c := enter(t, n, words, id)
			c.hand.aloud = true
			full, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
				Data: []byte(`{"x":"` + strings.Repeat("x", 4<<10) + `"}`)})
			if err != nil {
				t.Fatal(err)
			}
			publishes := func(count int) (commands []protocol.Command) {
				for range count {
					commands = append(commands, protocol.Publish{Topic: "room", Event: full})
				}
				return commands
			}
			start := time.Now()
			c.do(publishes(2)...)
			synctest.Wait() // one was published, and the reader's backlog holds the other up
			c.do(publishes(maxPublishing + 2)...)
			c.do(protocol.Subscribe{Topic: "hall"})
			if waited := time.Since(start); waited != 0 {
				t.Errorf("the connection stood still for %s", waited)
			}
			synctest.Wait()
			if busy := strings.Count(strings.Join(c.heard(), " "), "refused busy"); busy != 2 {
				t.Errorf("%d publishes were refused at once, want the 2 above the bound: %q", busy, c.heard())
			}
			reader.stop(false)
			time.Sleep(time.Minute)
		})
}

func TestPublish_ByAClientCountsAgainstTheRatesOfItsTenant(t *testing.T) {
	metered(t, limit.RateLimits{Tenant: limit.Rates{Flow: limit.Flow{Messages: 5}}}, func(n *Node) {
		id := mayAll("a")
		c := enter(t, n, words, id)
		c.hand.aloud = true
		var commands []protocol.Command
		for i := range 5 {
			commands = append(commands, protocol.Publish{Topic: "room", Event: jsonEvent(t, "", i)})
		}
		c.do(commands...)
		synctest.Wait()
		if refused := strings.Count(strings.Join(c.heard(), " "), "refused rate_limited"); refused != 1 {
			t.Errorf("%d of five publishes in one message were refused, where five messages may come: %q", refused,
				c.heard())
		}
	})
}

func TestSubscribe_TheMissedEventsFollowTheAnswerIfItIsToBeFirst(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		for first, want := range map[bool]string{
			false: `{"n":1} {"n":2} subscribed at 3 behind {"n":2}`,
			true:  `subscribed at 3 behind {"n":2} {"n":1} {"n":2}`,
		} {
			topic := fmt.Sprint("room", first)
			at := mustPublish(t, n, topic, jsonEvent(t, "", 0)).Position
			mustPublish(t, n, topic, jsonEvent(t, "", 1))
			mustPublish(t, n, topic, jsonEvent(t, "", 2))
			c := enter(t, n, words, someone("a"))
			c.hand.aloud = true
			c.do(protocol.Subscribe{Topic: topic, Since: at, AnswerFirst: first, Last: true})
			synctest.Wait()
			if got := strings.Join(c.heard(), " "); got != want {
				t.Errorf("answer first %t: heard %s, want %s", first, got, want)
			}
		}
	})
}

func TestSubscribe_TheLastEventIsOneThatTheFilterWants(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		ask := func(topic string, f protocol.Filter) string {
			out := c.do(protocol.Subscribe{Topic: topic, Filter: f, Last: true}, protocol.Unsubscribe{Topic: topic})
			if out[0].Last == nil {
				return ""
			}
			return string(out[0].Last.Data)
		}
		if got := ask("a", protocol.Filter{}); got != "" {
			t.Errorf("of an empty topic: %s", got)
		}
		c.subscribe(t, "a/x") // so that the topic above is there
		enter(t, n, words, someone("b")).subscribe(t, "a")
		mustPublish(t, n, "a", jsonEvent(t, "", 1))
		mustPublish(t, n, "a/b", jsonEvent(t, "", 2))
		if got := ask("a", protocol.Filter{}); got != `{"n":2}` {
			t.Errorf("of all: %s", got)
		}
		if got := ask("a", protocol.Filter{Exact: true}); got != `{"n":1}` {
			t.Errorf("of the topic alone: %s", got)
		}
	})
}

func TestReadHistory_ReadsForwardsAndInReverseWithTheRightToSubscribe(t *testing.T) {
	bubble(t, Config{HistoryCount: 5}, func(n *Node) {
		id := &protocol.Identity{User: "a", Topics: []protocol.Pattern{"room"}}
		c := enter(t, n, words, id)
		var at protocol.Position
		for i := range 8 {
			at = mustPublish(t, n, "room", jsonEvent(t, "", i)).Position
		}
		place := func(offset uint64) protocol.Position { return protocol.Position{Epoch: at.Epoch, Offset: offset} }
		for _, ask := range []struct {
			protocol.ReadHistory
			want   string
			reason protocol.Reason
		}{
			{protocol.ReadHistory{}, "", ""},
			{protocol.ReadHistory{Limit: 2}, "4 5", ""},
			{protocol.ReadHistory{Limit: 100}, "4 5 6 7 8", ""},
			{protocol.ReadHistory{Limit: 100, After: place(6)}, "7 8", ""},
			{protocol.ReadHistory{Limit: 2, Reverse: true}, "8 7", ""},
			{protocol.ReadHistory{Limit: 100, Reverse: true, After: place(7)}, "6 5 4", ""},
			{protocol.ReadHistory{Limit: 100, Reverse: true, After: place(4)}, "", ""},
			{protocol.ReadHistory{Limit: 100, After: place(1)}, "", protocol.PositionLost},
			{protocol.ReadHistory{After: protocol.Position{Epoch: "other"}}, "", protocol.PositionLost},
		} {
			ask.Topic = "room"
			out := c.do(ask.ReadHistory)[0]
			var got []string
			for _, past := range out.History {
				if string(past.Event.Data) != fmt.Sprintf(`{"n":%d}`, past.Offset-1) {
					t.Errorf("offset %d is %s", past.Offset, past.Event.Data)
				}
				got = append(got, fmt.Sprint(past.Offset))
			}
			if strings.Join(got, " ") != ask.want || reasonOf(out.Err) != ask.reason ||
				ask.reason == "" && out.Position != at {
				t.Errorf("%+v: %v at %v (%v), want %s", ask.ReadHistory, got, out.Position, out.Err, ask.want)
			}
		}
		if out := c.do(protocol.ReadHistory{Topic: "hall", Limit: 1}); reasonOf(out[0].Err) != protocol.Forbidden {
			t.Errorf("without the right: %v", out[0].Err)
		}
	})
}
