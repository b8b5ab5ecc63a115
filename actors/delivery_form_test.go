package actors

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/protocol"
)

// placed is a dialect that says all that Encode is told, in two frames.
type placed struct {
	speech
	encoded atomic.Int64
}

func (d *placed) Encode(to protocol.Delivery) protocol.Encoded {
	d.encoded.Add(1)
	if to.Position.Epoch != "" {
		to.Position.Epoch = "e"
	}
	head := fmt.Sprintf("%s|%s|%s|%s%d", to.Event.Topic, to.Label, to.Topic, to.Position.Epoch, to.Position.Offset)
	return protocol.Encoded{Data: []byte(head), Next: &protocol.Encoded{Data: to.Event.Data, Binary: true}}
}

func TestDelivery_EncodeIsToldTheLabelAndThePlaceOfWhoeverAskedForThemAndOnceForEach(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		d := &placed{speech: speech{name: "placed"}}
		exact := protocol.Filter{Exact: true, WithPosition: true}
		want := func(topic string, f protocol.Filter, heard ...string) (check func()) {
			var all []*client
			for range 2 {
				c := enter(t, n, d, someone("a"))
				c.want(t, topic, f)
				c.forget()
				all = append(all, c)
			}
			return func() {
				for _, c := range all {
					if got := strings.Join(c.heard(), " "); got != strings.Join(heard, " ") {
						t.Errorf("%s with %+v heard %q, want %q", topic, f, got, heard)
					}
				}
			}
		}
		checks := []func(){
			want("a", protocol.Filter{}, `a|||0+{"n":1}`, `a/b|||0+{"n":2}`),
			want("a", protocol.Filter{WithPosition: true}, `a||a|e1+{"n":1}`, `a/b||a|e2+{"n":2}`),
			want("a", protocol.Filter{Exact: true}, `a|||0+{"n":1}`),
			want("a", exact, `a||a|e1+{"n":1}`),
			want("a/b", exact, `a/b||a/b|e1+{"n":2}`),
			want("a", protocol.Filter{Label: "l"}, `a|l||0+{"n":1}`, `a/b|l||0+{"n":2}`),
		}
		d.encoded.Store(0)
		mustPublish(t, n, "a", jsonEvent(t, "", 1))
		mustPublish(t, n, "a/b", jsonEvent(t, "", 2))
		synctest.Wait()
		for _, check := range checks {
			check()
		}
		if got := d.encoded.Load(); got != 3+4 {
			t.Errorf("two events were encoded %d times, want once for each form that somebody hears: 7", got)
		}
	})
}

// A subscription to a topic alone has an order of its own, which a subscription to the topic above does not disturb.
func TestDelivery_ExactSubscriptionsOfOneConnectionEachHaveThePlaceInTheirTopic(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		d := &placed{speech: speech{name: "placed"}}
		c := enter(t, n, d, someone("a"))
		for _, topic := range []string{"a", "a/b", "a/b/c"} {
			c.want(t, topic, protocol.Filter{Exact: true, WithPosition: true})
		}
		c.forget()
		for i, topic := range []string{"a/b/c", "a/b/c", "a/b", "a"} {
			mustPublish(t, n, topic, jsonEvent(t, "", i))
		}
		synctest.Wait()
		want := `a/b/c||a/b/c|e1+{"n":0} a/b/c||a/b/c|e2+{"n":1} a/b||a/b|e3+{"n":2} a||a|e4+{"n":3}`
		if got := strings.Join(c.heard(), " "); got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
		at := c.do(protocol.Unsubscribe{Topic: "a/b"},
			protocol.Subscribe{Topic: "a/b", Filter: protocol.Filter{Exact: true}})
		since := protocol.Position{Epoch: at[1].Position.Epoch, Offset: 1}
		c.do(protocol.Unsubscribe{Topic: "a/b"})
		c.forget()
		out := c.do(protocol.Subscribe{Topic: "a/b", Since: since,
			Filter: protocol.Filter{Exact: true, WithPosition: true}})
		synctest.Wait()
		if got := strings.Join(c.heard(), " "); out[0].Err != nil || got != `a/b||a/b|e3+{"n":2}` {
			t.Errorf("replayed %s (%v)", got, out[0].Err)
		}
	})
}

func TestSubscribe_ALabelHasABound(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		const most = protocol.MaxLabel
		for size, reason := range map[int]protocol.Reason{most: "", most + 1: protocol.TooLarge} {
			out := c.do(protocol.Subscribe{Topic: "a", Filter: protocol.Filter{Label: strings.Repeat("x", size)}})
			if got := reasonOf(out[0].Err); got != reason {
				t.Errorf("a label of %d bytes: %q, want %q", size, got, reason)
			}
		}
	})
}
