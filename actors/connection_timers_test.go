package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// within checks that something happened at the time, or at most the wheel's granularity later.
func within(t *testing.T, what string, took, want time.Duration) {
	t.Helper()
	if took < want || took > want+timer.Granularity {
		t.Errorf("%s after %s, want %s", what, took, want)
	}
}

// untilEnd sleeps until the connection has ended and returns how long that took.
func untilEnd(t *testing.T, n *Node, c *client, most time.Duration) time.Duration {
	t.Helper()
	start := time.Now()
	for time.Since(start) < most {
		if !c.link.flags.has(isGone) {
			time.Sleep(time.Millisecond)
			continue
		}
		return time.Since(start)
	}
	t.Fatalf("the connection lives after %s", most)
	return 0
}

// reliability.md check 10, the engine's part.
func TestTimers_AClientThatDoesNotLogInInTimeIsClosed(t *testing.T) {
	d := &speech{name: "words", limits: protocol.Limits{Login: 10 * time.Second}}
	g := &gateway{}
	g.know("a", someone("a"))
	guarded(t, Config{}, g, func(n *Node) {
		silent, wrong, right := enter(t, n, d, nil), enter(t, n, d, nil), enter(t, n, d, nil)
		if out := wrong.do(login("unknown")); reasonOf(out[0].Err) != protocol.InvalidToken {
			t.Errorf("a wrong token: %+v", out)
		}
		if out := right.do(login("a")); out[0].Err != nil || out[0].Identity.User != "a" {
			t.Errorf("a right token: %+v", out)
		}
		within(t, "closed", untilEnd(t, n, silent, time.Minute), 10*time.Second)
		synctest.Wait()
		silent.wantEnd(t, protocol.AuthTimeout)
		wrong.wantEnd(t, protocol.AuthTimeout)
		time.Sleep(10 * time.Second)
		if right.link.flags.has(isGone) {
			t.Error("the client that logged in was closed")
		}
	})
}

// reliability.md check 15: a connection ends with its token.
func TestTimers_ATokenEndsItsConnectionAtExp(t *testing.T) {
	g := &gateway{}
	guarded(t, Config{}, g, func(n *Node) {
		expiring := func(in time.Duration) *protocol.Identity {
			id := someone("a")
			id.Expires = time.Now().Add(in).Round(0) // as a token has it: no monotonic clock
			return id
		}
		g.know("later", expiring(90*time.Second))
		c := enter(t, n, words, expiring(30*time.Second))
		refreshed := enter(t, n, words, expiring(30*time.Second))
		ever := enter(t, n, words, nil)
		past := enter(t, n, words, expiring(-time.Hour))
		id := someone("ever")
		id.Expires = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
		g.know("ever", id)
		if out := ever.do(login("ever")); out[0].Err != nil {
			t.Error(out[0].Err)
		}
		if out := refreshed.do(login("later")); out[0].Err != nil {
			t.Error(out[0].Err)
		}
		time.Sleep(timer.Granularity)
		synctest.Wait()
		past.wantEnd(t, protocol.TokenExpired)
		within(t, "expired", untilEnd(t, n, c, time.Hour)+timer.Granularity, 30*time.Second)
		synctest.Wait()
		c.wantEnd(t, protocol.TokenExpired)
		for range 2 {
			if refreshed.link.flags.has(isGone) || ever.link.flags.has(isGone) {
				t.Error("closed before its token expired")
			}
			refreshed.link.Heard()
			ever.link.Heard()
			time.Sleep(25 * time.Second)
		}
		refreshed.link.Heard()
		ever.link.Heard()
		time.Sleep(15 * time.Second)
		refreshed.wantEnd(t, protocol.TokenExpired)
		if ever.link.flags.has(isGone) {
			t.Error("a token of the year 9999 has expired")
		}
	})
}

// reliability.md check 50, the engine's part: with the default settings, wherever between two pings it vanishes.
// reliability.md check 33: its user is not there any more by then.
func TestTimers_AClientThatVanishesIsGoneAfterTwoPingsAndWithinFiveSeconds(t *testing.T) {
	every := Config{}.WithDefaults().PingEvery
	bubble(t, Config{}, func(n *Node) {
		for phase := time.Duration(0); phase < every; phase += every / 23 {
			c := enter(t, n, words, someone("a"))
			time.Sleep(phase)
			c.link.Heard()
			took := untilEnd(t, n, c, time.Hour)
			if took < 2*every || took > 2*every+5*time.Second {
				t.Errorf("the client that vanished %s after it came was gone after %s", phase, took)
			}
			synctest.Wait()
			if _, err := n.User(context.Background(), "acme", "a"); err == nil {
				t.Errorf("the client that vanished %s after it came is present after %s", phase, took)
			}
		}
	})
}

// F34: a client that may leave its socket unread, as its dialect says, is not taken for gone by a timeout that is
// shorter, and by one that is longer no sooner than all others.
func TestTimers_ADialectWhoseClientsDoNotAlwaysReadHasTheTimeThatItNeeds(t *testing.T) {
	idle := &speech{name: "idle", limits: protocol.Limits{Unread: 30 * time.Second}}
	for timeout, want := range map[time.Duration]time.Duration{6 * time.Second: 30 * time.Second,
		time.Minute: time.Minute} {
		bubble(t, Config{PingEvery: 2 * time.Second, Timeout: timeout}, func(n *Node) {
			for d, want := range map[protocol.Dialect]time.Duration{idle: want, words: timeout} {
				c := enter(t, n, d, someone("ann"))
				c.link.Heard()
				if took := untilEnd(t, n, c, time.Hour); took < want || took > want+timer.Granularity {
					t.Errorf("%s with a timeout of %s was gone after %s, want %s", d.Name(), timeout, took, want)
				}
			}
		})
	}
}

func TestTimers_PingsGoOutInTimeAndASilentPeerIsGoneWithinTimeout(t *testing.T) {
	cfg := Config{PingEvery: 25 * time.Second, Timeout: 60 * time.Second}
	bubble(t, cfg, func(n *Node) {
		alive := enter(t, n, words, someone("alive")).subscribe(t, "room")
		silent := enter(t, n, words, someone("silent")).subscribe(t, "room")
		start := time.Now()
		for range 1000 { // an hour or more
			time.Sleep(5 * time.Second)
			alive.link.Heard()
			if silent.link.flags.has(isGone) {
				break
			}
		}
		if took := time.Since(start); took < cfg.Timeout || took > cfg.Timeout+5*time.Second {
			t.Errorf("the silent peer was gone after %s", took)
		}
		synctest.Wait()
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 1)); r.Delivered != 1 {
			t.Errorf("delivered to %d", r.Delivered)
		}
		// check 33: presence is right
		if s := n.Stats("acme"); s.Authenticated != 1 || n.Metrics().Drops[protocol.Silent] != 1 {
			t.Errorf("%+v, drops %v", s.Connections, n.Metrics().Drops)
		}
		pings := func() int {
			alive.tape.mu.Lock()
			defer alive.tape.mu.Unlock()
			return alive.pings
		}
		before := pings()
		if want := int(time.Since(start) / cfg.PingEvery); before < want || before > want+1 {
			t.Errorf("%d pings in %s, want %d and perhaps one", before, time.Since(start), want)
		}
		for range 50 {
			time.Sleep(5 * time.Second)
			alive.link.Heard()
		}
		if got := pings() - before; got < 10 || got > 11 {
			t.Errorf("%d pings in 250 s", got)
		}
	})
}

func TestTimers_ConnectionsThatCameTogetherArePingedInTurn(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		const count, every = 250, 25
		var all []*client
		for range count {
			all = append(all, enter(t, n, words, someone("a")))
		}
		pings := func() (sum int) {
			for _, c := range all {
				c.tape.mu.Lock()
				sum += c.tape.pings
				c.tape.mu.Unlock()
			}
			return sum
		}
		for second := range 3 * every {
			time.Sleep(time.Second)
			for _, c := range all {
				c.link.Heard()
			}
			synctest.Wait()
			each := count / every
			if got, want := pings(), (second+1)*each; got < want-each/2 || got > want+each/2 {
				t.Errorf("after %d s there were %d pings, want %d", second+1, got, want)
			}
		}
	})
}

func TestTimers_TheDialectsHeartbeatComesAtItsIntervalAndCanBeChangedAndStopped(t *testing.T) {
	bubble(t, Config{Timeout: time.Hour}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		start := time.Now()
		c.do(protocol.SetInterval{Every: 30 * time.Second})
		time.Sleep(91 * time.Second)
		c.do(protocol.SetInterval{Every: 10 * time.Second})
		time.Sleep(31 * time.Second)
		c.do(protocol.SetInterval{})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		want := []time.Duration{30, 60, 90, 101, 111, 121}
		if len(c.beats) != len(want) {
			t.Fatalf("%d beats, want %d", len(c.beats), len(want))
		}
		for i, at := range c.beats {
			within(t, "a beat", at.Sub(start), want[i]*time.Second)
		}
		deadlines := n.wheel.Pending(func(a timer.Target) bool { return a == timer.Target((*deadlineTimer)(c.link)) })
		pings := n.wheel.Pending(func(a timer.Target) bool { return a == timer.Target((*pingTimer)(c.link)) })
		if deadlines > 0 || pings != 1 {
			t.Errorf("%d deadlines and %d pings wait for one connection, want one ping", deadlines, pings)
		}
	})
}

func TestTimers_HeartbeatsDoNotDrift(t *testing.T) {
	bubble(t, Config{Timeout: time.Hour}, func(n *Node) {
		const interval = 1013 * time.Millisecond // no multiple of the wheel's granularity
		c := enter(t, n, words, someone("a"))
		start := time.Now()
		c.do(protocol.SetInterval{Every: interval})
		time.Sleep(100*interval + timer.Granularity)
		synctest.Wait()
		if len(c.beats) != 100 {
			t.Errorf("%d beats, want 100", len(c.beats))
		}
		for i, at := range c.beats {
			within(t, "a beat", at.Sub(start), time.Duration(i+1)*interval)
		}
	})
}

// The timers of connections that have ended fire in vain, soon, and hold nothing for long.
func TestTimers_AConnectionThatHasEndedLeavesTheWheelWithinAPingInterval(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		for range 100 {
			enter(t, n, words, someone("a")).link.Gone(protocol.Disconnected)
		}
		synctest.Wait()
		time.Sleep(26 * time.Second)
		left := n.wheel.Pending(func(a timer.Target) bool { _, ok := a.(*pingTimer); return ok })
		if left > len(n.canaries) {
			t.Errorf("%d timers are left", left)
		}
		if _, err := n.Probe(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
