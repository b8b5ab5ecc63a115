package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestPresence_ListsMembersUntilTheirTimeIsOver(t *testing.T) {
	bubble(t, Config{Timeout: time.Hour}, func(n *Node) {
		c, nobody := enter(t, n, words, someone("a")), enter(t, n, words, nil)
		announce := func(topic, member, data string) {
			var said []byte
			if data != "" {
				said = []byte(data)
			}
			c.do(protocol.Announce{Topic: topic, Member: member, Data: said, For: time.Minute})
		}
		names := func(prefix string) (all string) {
			present, err := n.Presence(context.Background(), "acme", prefix)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range present {
				all += fmt.Sprintf("%s:%s:%s ", a.Topic, a.Name, a.Data)
			}
			return all
		}
		start := time.Now()
		announce("o/1", "x", "one")
		announce("o/1", "a", "two")
		announce("o/2", "x", "three")
		announce("p", "x", "four")
		announce("bad//name", "x", "five")
		nobody.do(protocol.Announce{Topic: "o/1", Member: "nobody", For: time.Minute})
		synctest.Wait()
		if got := names("o"); got != "o/1:a:two o/1:x:one o/2:x:three " {
			t.Errorf("%s", got)
		}
		time.Sleep(30 * time.Second)
		announce("o/1", "x", "") // alive, nothing new
		synctest.Wait()
		crashTopic(n, "o/1") // a restart keeps it
		time.Sleep(30 * time.Second)
		synctest.Wait()
		present, err := n.Presence(context.Background(), "acme", "o")
		if err != nil || len(present) != 1 || !present[0].Since.Equal(start) ||
			!present[0].Seen.Equal(start.Add(30*time.Second)) || string(present[0].Data) != "one" ||
			present[0].Connection != c.link.ID() {
			t.Errorf("%+v, %v", present, err)
		}
		if _, err := n.Presence(context.Background(), "none", "o"); reasonOf(err) != protocol.NotFound {
			t.Errorf("an unknown tenant: %v", err)
		}
	})
}
