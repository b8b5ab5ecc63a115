package actors

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/presence"
	"github.com/parley-realtime/parley/protocol"
)

// as is a filter by which a client is present and hears of the others.
func as(id string) protocol.Filter {
	m := &protocol.Member{ID: id, Info: []byte(`"of ` + id + `"`)}
	return protocol.Filter{Exact: true, Member: m, Members: true}
}

// names are the members' names.
func names(members []protocol.Member) string {
	var all []string
	for _, m := range members {
		all = append(all, m.ID)
	}
	return strings.Join(all, " ")
}

func TestMembers_JoinWithTheirFirstConnectionAndLeaveWithTheLast(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		watcher := enter(t, n, words, someone("w"))
		watcher.want(t, "room", protocol.Filter{Members: true})
		plain := enter(t, n, words, someone("p")).subscribe(t, "room", "room/below")
		a1, a2 := enter(t, n, words, someone("a")), enter(t, n, words, someone("a"))
		b := enter(t, n, words, someone("b"))
		for i, c := range []*client{a1, a2, b} {
			out := c.do(protocol.Subscribe{Topic: "room", Filter: as([]string{"a", "a", "b"}[i])})
			if got, want := names(out[0].Members), []string{"a", "a", "a b"}[i]; got != want || out[0].Err != nil {
				t.Errorf("connection %d sees %q (%v), want %q", i, got, out[0].Err, want)
			}
		}
		a1.want(t, "room", as("a")) // the same again changes nothing
		a1.do(protocol.Unsubscribe{Topic: "room"})
		synctest.Wait()
		b.wantHeard(t)
		a2.link.Gone(protocol.Lost)
		synctest.Wait()
		if out := b.do(protocol.ReadMembers{Topic: "room"}); names(out[0].Members) != "b" {
			t.Errorf("present are %q (%v)", names(out[0].Members), out[0].Err)
		}
		if err := n.Disconnect("acme", b.link.ID(), 0, ""); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		left, joined := `{"id":"%s","info":"of %[1]s"}`, `{"id":"%s","info":"of %[1]s"}`
		watcher.wantHeard(t, fmt.Sprintf(joined, "a"), fmt.Sprintf(joined, "b"), fmt.Sprintf(left, "a"),
			fmt.Sprintf(left, "b"))
		a1.wantHeard(t, fmt.Sprintf(joined, "b")) // and not of itself
		plain.wantHeard(t)
		if members, err := n.Present(context.Background(), "acme", "room"); err != nil || len(members) != 0 {
			t.Errorf("in the end %v are there (%v)", members, err)
		}
	})
}

func TestMembers_AreBoundedAndARefusedOneIsNotSubscribed(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		few := func(id string) protocol.Filter {
			f := as(id)
			f.MaxMembers = 2
			return f
		}
		a, b, c := enter(t, n, words, someone("a")), enter(t, n, words, someone("b")), enter(t, n, words, someone("c"))
		a.want(t, "room", few("a"))
		b.want(t, "room", few("b"))
		if out := c.do(protocol.Subscribe{Topic: "room", Filter: few("c")}); reasonOf(out[0].Err) != protocol.TooMany {
			t.Errorf("a third of two: %v", out[0].Err)
		}
		c.want(t, "room", few("b")) // who is there already is not one more
		large := as("x")
		large.Member.Info = []byte(`"` + strings.Repeat("x", protocol.MaxMemberInfo) + `"`)
		if out := a.do(protocol.Subscribe{Topic: "hall", Filter: large}); reasonOf(out[0].Err) != protocol.TooLarge {
			t.Errorf("large info: %v", out[0].Err)
		}
		out := a.do(protocol.Subscribe{Topic: "hall", Filter: as(" x")})
		if reasonOf(out[0].Err) != protocol.Malformed {
			t.Errorf("a bad name: %v", out[0].Err)
		}
		var full presence.Tracker
		for i := range presence.MaxPresent {
			m := &protocol.Member{ID: fmt.Sprint(i)}
			if err := full.Admit(m, 0); err != nil {
				t.Fatal(err)
			}
			full.Set("room", uint64(i), m, time.Now())
		}
		if err := full.Admit(&protocol.Member{ID: "more"}, 0); reasonOf(err) != protocol.TooMany {
			t.Errorf("above the bound of a topic: %v", err)
		}
	})
}

// Who comes and goes at random is seen by each observer in an order that ends with the true list, with no join without
// a leave; the snapshot and what follows it have no gap between them.
func TestMembers_EachObserverEndsWithTheTrueListWheneverItCame(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		rng := rand.New(rand.NewPCG(seedOf(t, rand.Uint64()), 1))
		said := &speech{name: "said", encode: func(ev *protocol.Event, _ protocol.Projection) []byte {
			return []byte(string(ev.Kind) + " " + ev.Text("id"))
		}}
		there := map[string]int{} // connections by member
		var observers []*client
		views := map[*client]map[string]bool{}
		members := map[*client]string{}
		for range sized(400, 4000) {
			switch all := slices.Collect(maps.Keys(members)); {
			case rng.IntN(20) == 0:
				o := enter(t, n, said, someone("o"))
				out := o.do(protocol.Subscribe{Topic: "room", Filter: protocol.Filter{Members: true}})
				views[o] = map[string]bool{}
				for _, m := range out[0].Members {
					views[o][m.ID] = true
				}
				observers = append(observers, o)
			case len(all) > 0 && rng.IntN(2) == 0:
				slices.SortFunc(all, func(a, b *client) int { return int(a.link.number()) - int(b.link.number()) })
				c := all[rng.IntN(len(all))]
				if there[members[c]]--; there[members[c]] == 0 {
					delete(there, members[c])
				}
				delete(members, c)
				if rng.IntN(2) == 0 {
					c.do(protocol.Unsubscribe{Topic: "room"})
				} else {
					c.link.Gone(protocol.Lost)
				}
			default:
				c, id := enter(t, n, said, someone("m")), fmt.Sprint(rng.IntN(30))
				c.want(t, "room", protocol.Filter{Member: &protocol.Member{ID: id}})
				members[c] = id
				there[id]++
			}
		}
		synctest.Wait()
		want := slices.Sorted(maps.Keys(there))
		for i, o := range observers {
			for _, line := range o.heard() {
				kind, id, _ := strings.Cut(line, " ")
				joins := kind == string(protocol.MemberJoined)
				if views[o][id] == joins {
					t.Fatalf("observer %d hears %q of one whom it sees there: %t", i, line, views[o][id])
				}
				if views[o][id] = joins; !joins {
					delete(views[o], id)
				}
			}
			if got := slices.Sorted(maps.Keys(views[o])); !slices.Equal(got, want) {
				t.Errorf("observer %d ends with %v, want %v", i, got, want)
			}
		}
		present, err := n.Present(context.Background(), "acme", "room")
		got := strings.Fields(names(present))
		if slices.Sort(got); err != nil || !slices.Equal(got, want) || len(observers) < 3 {
			t.Errorf("the API says %v (%v), want %v; %d observers", got, err, want, len(observers))
		}
	})
}

// A right that is taken back takes the member away, and a topic that fails keeps those who are present.
func TestMembers_LeaveWithTheirRightAndOutliveAFailureOfTheTopic(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		a, b := enter(t, n, words, someone("a")), enter(t, n, words, someone("b"))
		a.want(t, "room", as("a"))
		b.want(t, "room", as("b"))
		crashTopic(n, "room")
		synctest.Wait()
		a.forget()
		if _, _, err := n.Revoke(context.Background(), "acme", grant.Revocation{User: "b"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.wantHeard(t, `{"id":"b","info":"of b"}`)
		if out := a.do(protocol.ReadMembers{Topic: "room"}); names(out[0].Members) != "a" {
			t.Errorf("present are %q (%v)", names(out[0].Members), out[0].Err)
		}
		c := enter(t, n, words, &protocol.Identity{User: "c", Topics: []protocol.Pattern{"hall"}})
		if out := c.do(protocol.ReadMembers{Topic: "room"}); reasonOf(out[0].Err) != protocol.Forbidden {
			t.Errorf("without the right to the topic: %v", out[0].Err)
		}
	})
}
