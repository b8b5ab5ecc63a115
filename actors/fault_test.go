package actors

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/fault"
	"github.com/parley-realtime/parley/protocol"
)

// inject begins a fault of the tenant acme.
func inject(t *testing.T, n *Node, spec fault.Spec) fault.Info {
	t.Helper()
	f, err := n.InjectFault("acme", spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// hits is what the only fault of acme has hit so far.
func hits(t *testing.T, n *Node) uint64 {
	t.Helper()
	all := n.Faults("acme")
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	return all[0].Hits
}

// numbered publishes n events to a topic at once, and waits.
func numbered(t *testing.T, n *Node, topic string, count int) {
	t.Helper()
	for i := range count {
		mustPublish(t, n, topic, jsonEvent(t, "", i))
	}
	synctest.Wait()
}

func TestFaults_LoseDelayAndDoubleTheEventsOfTheirTargetAlone(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		alice, bob := enter(t, n, words, someone("alice")), enter(t, n, words, someone("bob"))
		alice.subscribe(t, "room", "hall/1")
		bob.subscribe(t, "room", "hall/1")
		expect := func(what string, ofAlice, ofBob int) {
			t.Helper()
			synctest.Wait()
			if a, b := len(alice.heard()), len(bob.heard()); a != ofAlice || b != ofBob {
				t.Errorf("%s: alice heard %d, want %d; bob %d, want %d", what, a, ofAlice, b, ofBob)
			}
		}
		lost := inject(t, n, fault.Spec{Kind: fault.Drop, User: "alice"})
		numbered(t, n, "room", 3)
		expect("lost", 0, 3)
		if hits(t, n) != 3 {
			t.Errorf("%d hits", hits(t, n))
		}
		if _, err := n.EndFault("other", lost.ID); reasonOf(err) != protocol.NotFound {
			t.Errorf("another tenant: %v", err)
		}
		if ended, err := n.EndFault("acme", lost.ID); err != nil || ended.Hits != 3 || n.faults.Any() {
			t.Errorf("%+v %v", ended, err)
		}
		numbered(t, n, "room", 1)
		expect("over", 1, 4)

		inject(t, n, fault.Spec{Kind: fault.Duplicate, Topic: "hall", For: 10 * time.Second})
		numbered(t, n, "room", 1)
		numbered(t, n, "hall/1", 1)
		expect("doubled in one topic", 4, 7)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if n.faults.Any() {
			t.Error("a fault without an end")
		}

		inject(t, n, fault.Spec{Kind: fault.Delay, Delay: time.Second, Connection: bob.link.ID(), For: 5 * time.Second})
		numbered(t, n, "room", 3)
		expect("late", 7, 7)
		time.Sleep(time.Second)
		expect("come", 7, 10)
		time.Sleep(3500 * time.Millisecond)
		numbered(t, n, "room", 2)
		expect("late again", 9, 10)
		time.Sleep(500 * time.Millisecond)
		expect("delivered when the fault is over", 9, 12)
		last := bob.heard()[10:]
		if fmt.Sprint(last) != fmt.Sprint(alice.heard()[7:]) {
			t.Errorf("late events came as %v", last)
		}
	})
}

func TestFaults_CutMuteAndRefuseConnections(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		alice, bob := enter(t, n, words, someone("alice")), enter(t, n, words, someone("bob"))
		alice.subscribe(t, "room")
		bob.subscribe(t, "room")
		if cut := inject(t, n, fault.Spec{Kind: fault.Cut, User: "bob"}); cut.Hits != 1 || n.faults.Any() {
			t.Errorf("%+v", cut)
		}
		synctest.Wait()
		if all := n.allConns(); len(all) != 1 || all[0] != alice.link {
			t.Errorf("%d connections are left", len(all))
		}

		muted := inject(t, n, fault.Spec{Kind: fault.Mute, Dialect: words.Name()})
		numbered(t, n, "room", 1)
		alice.send(batch{messages: 1, commands: []protocol.Command{protocol.Subscribe{Topic: "hall"}}})
		synctest.Wait()
		if len(alice.heard()) != 0 || hits(t, n) != 2 || len(alice.hand.batches) != 1 {
			t.Errorf("heard %v, %d hits", alice.heard(), hits(t, n))
		}
		_, _ = n.EndFault("acme", muted.ID)

		refused := inject(t, n, fault.Spec{Kind: fault.Refuse, Status: 429})
		err := n.Admit("acme", words, "192.0.2.1", nil)
		if reasonOf(err) != protocol.RateLimited || err.RetryAfter == 0 {
			t.Errorf("%v", err)
		}
		_, _ = n.EndFault("acme", refused.ID)
		if err := n.Admit("acme", words, "192.0.2.1", nil); err != nil {
			t.Error(err)
		}
	})
}

// A share of events, and a share of connections; the same seed makes the same choice.
func TestFaults_HitAShareOfWhatTheyAreAbout(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		var before string
		c := enter(t, n, words, someone("alice")).subscribe(t, "room")
		for range 2 {
			start := len(c.heard())
			f := inject(t, n, fault.Spec{Kind: fault.Drop, Percent: 30, Seed: 7})
			numbered(t, n, "room", 200)
			now := fmt.Sprint(c.heard()[start:])
			if lost := hits(t, n); lost < 30 || lost > 90 || len(c.heard())-start != 200-int(lost) {
				t.Errorf("%d of 200 events were lost, %d came", lost, len(c.heard())-start)
			}
			if before != "" && now != before {
				t.Error("the same seed made another choice")
			}
			before = now
			_, _ = n.EndFault("acme", f.ID)
		}
		for i := range 100 {
			enter(t, n, words, someone(fmt.Sprint("user", i)))
		}
		if cut := inject(t, n, fault.Spec{Kind: fault.Cut, Percent: 50}); cut.Hits < 30 || cut.Hits > 70 {
			t.Errorf("%d of 101 connections were cut", cut.Hits)
		}
	})
}

func TestFaults_AreBoundedAndEndWithTheNode(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		for _, spec := range []fault.Spec{{}, {Kind: "fire"}, {Kind: fault.Drop, Percent: 101}, {Kind: fault.Delay},
			{Kind: fault.Drop, For: 2 * time.Hour}, {Kind: fault.Drop, Delay: time.Second},
			{Kind: fault.Delay, Delay: time.Hour}, {Kind: fault.Refuse, Status: 200}, {Kind: fault.Drop, Status: 503},
			{Kind: fault.Mute, Topic: "room"}, {Kind: fault.Refuse, User: "alice"}} {
			if _, err := n.InjectFault("acme", spec); reasonOf(err) != protocol.Malformed {
				t.Errorf("%+v: %v", spec, err)
			}
		}
		if _, err := n.InjectFault("nobody", fault.Spec{Kind: fault.Cut}); reasonOf(err) != protocol.NotFound {
			t.Errorf("of an unknown tenant: %v", err)
		}
		made := 0
		for ; made < 100; made++ {
			if _, err := n.InjectFault("acme", fault.Spec{Kind: fault.Drop, For: time.Hour}); err != nil {
				break
			}
		}
		if made != 32 {
			t.Errorf("%d faults", made)
		}
	})
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("alice")).subscribe(t, "room")
		inject(t, n, fault.Spec{Kind: fault.Delay, Delay: 10 * time.Second, For: time.Hour})
		numbered(t, n, "room", 5000)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if heard := len(c.heard()); heard == 0 || heard > 4096 {
			t.Errorf("%d late events came", heard)
		}
	})
}
