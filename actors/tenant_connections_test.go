package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// reliability.md check 58, the engine's part: when all come at once, a mailbox that is full of them refuses nobody.
func TestConnect_MoreAtOnceThanAMailboxHoldsAllGetIn(t *testing.T) {
	bubble(t, Config{MailboxSize: 16}, func(n *Node) {
		first := enter(t, n, words, someone("first")).subscribe(t, "known")
		for range 3 { // those who come wait for 50 ms
			crashTopic(n, broadcastTopic)
			crashTopic(n, "known")
			synctest.Wait()
		}
		for i := range 100 {
			c := &client{&tape{}, &hand{opened: []protocol.Command{protocol.Subscribe{Topic: "known"},
				protocol.Subscribe{Topic: "new"}}}}
			_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: c.hand,
				Identity: someone(fmt.Sprint(i))}, func(l *Conn) outbox.Transport {
				c.link = l
				return c.tape
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		for topic, want := range map[string]int{"known": 101, "new": 100} {
			if r := mustPublish(t, n, topic, jsonEvent(t, "", 1)); r.Delivered != want {
				t.Errorf("%s reached %d, want %d", topic, r.Delivered, want)
			}
		}
		if r, err := n.Publish(context.Background(), "acme", Target{All: true}, jsonEvent(t, "", 2)); err != nil ||
			r.Delivered != 101 {
			t.Errorf("%+v, %v", r, err)
		}
		first.link.Gone(protocol.Disconnected)
	})
}
