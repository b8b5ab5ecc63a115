package actors

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// scale is a Memory that a test sets: a process of 1,000 bytes at most, some of which is garbage, and some waits for
// readers.
type scale struct {
	node *Node // what waits in its outboxes counts, if it is set

	mu          sync.Mutex
	live, waste int64
	collections int
}

func (s *scale) Limit() int64 { return 1000 }

func (s *scale) Used() int64 {
	s.mu.Lock()
	used := s.live + s.waste
	s.mu.Unlock()
	if s.node != nil {
		for _, l := range s.node.allConns() {
			bytes := l.outbox.Stats().QueuedBytes
			used += int64(bytes)
		}
	}
	return used
}

func (s *scale) Collect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collections++
	s.waste = 0
}

func (s *scale) set(live, waste int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live, s.waste = live, waste
}

// diary is a log that can be read while it is written.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(line)
}

func (d *diary) String() string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// weighed runs a test with a node that goes by a scale; said is its log.
func weighed(t *testing.T, test func(n *Node, s *scale, said func() string)) {
	t.Helper()
	var log diary
	s := &scale{live: 100}
	bubble(t, Config{Memory: s, Timeout: time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(n *Node) {
		test(n, s, log.String)
	})
}

func stageOf(n *Node) health.Stage { return n.Metrics().Pressure.Stage }

// look lets the watermark look once more.
func look() {
	time.Sleep(health.Every)
	synctest.Wait()
}

// reliability.md check 46, the engine's part: a new client is refused, and learns when to come back.
func TestWatermark_RefusesConnectionsAndPublishesAndSaysTruthfullyUntilWhen(t *testing.T) {
	weighed(t, func(n *Node, s *scale, said func() string) {
		in := enter(t, n, words, someone("in")).subscribe(t, "room")
		s.set(860, 0)
		look()
		for range 3 {
			began := time.Now()
			_, err := publishTo(n, "room", jsonEvent(t, "", 1))
			refusal := protocol.AsRefusal(err)
			if err == nil || refusal.Reason != protocol.Busy || refusal.RetryAfter < time.Second {
				t.Fatalf("a publish: %v", err)
			}
			if admits := n.Admit("acme", words, "192.0.2.1", nil); admits == nil || admits.Reason != protocol.Busy ||
				admits.RetryAfter != refusal.RetryAfter {
				t.Errorf("a handshake: %+v", admits)
			}
			if _, err := tryEnter(n, words, someone("late"), "192.0.2.1"); reasonOf(err) != protocol.Busy {
				t.Errorf("a connection: %v", err)
			}
			s.set(100, 0)
			time.Sleep(refusal.RetryAfter - time.Millisecond - time.Since(began))
			if _, err := publishTo(n, "room", jsonEvent(t, "", 1)); refusal.RetryAfter > time.Second && err == nil {
				t.Errorf("it was taken %s before it was said to be", refusal.RetryAfter-time.Since(began))
			}
			time.Sleep(time.Second)
			if stageOf(n) == health.Calm {
				break
			}
		}
		if r := mustPublish(t, n, "room", jsonEvent(t, "", 2)); r.Delivered != 1 {
			t.Errorf("%+v", r)
		}
		enter(t, n, words, someone("again"))
		if in.link.flags.has(isGone) || n.Metrics().Pressure.Publishes < 2 || n.Metrics().Pressure.Connections < 2 {
			t.Errorf("%+v, gone: %v", n.Metrics().Pressure, in.link.flags.has(isGone))
		}
		if log := said(); strings.Count(log, "memory: refusing") != 1 || strings.Count(log, "memory: calm") != 1 {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestWatermark_GarbageIsCollectedAndShedsNothing(t *testing.T) {
	weighed(t, func(n *Node, s *scale, said func() string) {
		for range 20 {
			s.set(700, 290)
			look()
			if stageOf(n) != health.Calm {
				t.Fatalf("%s", stageOf(n))
			}
		}
		if s.collections < 2 || s.collections > 6 {
			t.Errorf("%d collections in 10 s", s.collections)
		}
		if log := said(); log != "" {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestWatermark_StagesAreEnteredAtTheirMarksAndLeftOneByOneBelowTheirFloors(t *testing.T) {
	weighed(t, func(n *Node, s *scale, said func() string) {
		for i, step := range []struct {
			used  int64
			after time.Duration
			want  health.Stage
		}{
			{849, 3 * time.Second, health.Calm}, {850, 3 * time.Second, health.Refusing},
			{801, time.Minute, health.Refusing},
			{900, 3 * time.Second, health.Dropping}, {851, time.Minute, health.Dropping},
			{950, 3 * time.Second, health.Closing},
			{901, time.Minute, health.Closing}, {849, time.Second, health.Dropping},
			{849, 6 * time.Second, health.Refusing}, {799, 6 * time.Second, health.Calm},
			{990, 3 * time.Second, health.Closing}, {100, time.Second, health.Closing},
			{100, 4 * time.Second, health.Dropping}, {100, 12 * time.Second, health.Calm},
		} {
			s.set(step.used, 0)
			time.Sleep(step.after)
			synctest.Wait()
			if got := stageOf(n); got != step.want {
				t.Errorf("step %d: with %d of 1000 it is %s, not %s", i, step.used, got, step.want)
			}
		}
		log := said()
		if changes := strings.Count(log, `before=`); changes != 10 {
			t.Errorf("%d lines for 10 changes:\n%s", changes, log)
		}
		if helpless := strings.Count(log, "nothing waits for readers"); helpless != 2 {
			t.Errorf("%d times it was said that nothing is left to shed:\n%s", helpless, log)
		}
	})
}

// A topic forgets history entries when new events need their room, and a reader that missed them learns it.
func TestWatermark_TopicsForgetTheOlderHalfWhileMemoryIsShort(t *testing.T) {
	weighed(t, func(n *Node, s *scale, said func() string) {
		for i := range 40 {
			mustPublish(t, n, "room", jsonEvent(t, "", i))
		}
		entries := func() int {
			page, err := n.History(context.Background(), "acme", "room", protocol.Position{}, 100)
			if err != nil {
				t.Fatal(err)
			}
			return len(page.Events)
		}
		s.set(860, 0)
		look()
		if got := entries(); got != 20 {
			t.Errorf("of 40 events it remembers %d", got)
		}
		time.Sleep(health.StageHold + health.Every)
		if got := entries(); got != 10 {
			t.Errorf("of 40 events it remembers %d after %s", got, health.StageHold)
		}
		epoch := n.topicPosition(t, "room").Epoch
		_, err := n.History(context.Background(), "acme", "room", protocol.Position{Epoch: epoch, Offset: 5}, 100)
		if reasonOf(err) != protocol.PositionLost {
			t.Errorf("what is forgotten: %v", err)
		}
		s.set(700, 0)
		time.Sleep(time.Minute)
		if got := entries(); got != 10 || stageOf(n) != health.Calm || n.Metrics().Pressure.Histories == 0 {
			t.Errorf("when there is memory again it remembers %d, %+v", got, n.Metrics().Pressure)
		}
	})
}

// topicPosition is where a topic stands.
func (n *Node) topicPosition(t *testing.T, topic string) protocol.Position {
	t.Helper()
	page, err := n.History(context.Background(), "acme", topic, protocol.Position{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return page.Position
}

func TestWatermark_DropsWhatMayBeLostAndThenDisconnectsTheSlowest(t *testing.T) {
	weighed(t, func(n *Node, s *scale, said func() string) {
		n.SetTenant(TenantConfig{Name: "acme",
			Rules: policy.Rules{List: []policy.Rule{{Pattern: "last", Slow: policy.DropOldest},
				{Pattern: "each", Slow: policy.Conflate}}}})
		readers := map[string]*client{}
		for _, topic := range []string{"last", "each", "all", "few"} {
			readers[topic] = enter(t, n, words, someone(topic)).subscribe(t, topic)
			readers[topic].stop(true)
		}
		for i := range 10 {
			for _, topic := range []string{"last", "each", "all"} {
				mustPublish(t, n, topic, keyed(t, fmt.Sprint("k", i%2), i))
			}
		}
		mustPublish(t, n, "few", jsonEvent(t, "", 1))
		waiting := func(topic string) int { return readers[topic].link.outbox.Stats().QueuedFrames }
		s.set(930, 0)
		look()
		look()
		if waiting("last") != 1 || waiting("each") != 2 || waiting("all") != 10 || stageOf(n) != health.Dropping {
			t.Errorf("%d, %d and %d frames wait; %s", waiting("last"), waiting("each"), waiting("all"), stageOf(n))
		}
		s.node = n
		s.set(0, 0)
		if s.set(950-s.Used(), 0); s.Used() != 950 {
			t.Fatalf("%d in use", s.Used())
		}
		time.Sleep(health.CollectEvery)
		synctest.Wait()
		readers["all"].wantEnd(t, protocol.Slow)
		for _, topic := range []string{"last", "each", "few"} {
			if readers[topic].link.flags.has(isGone) {
				t.Errorf("the reader of %s was disconnected", topic)
			}
			readers[topic].stop(false)
		}
		synctest.Wait()
		readers["last"].wantHeard(t, `{"n":9}`)
		readers["each"].wantHeard(t, `{"n":8}`, `{"n":9}`)
		p := n.Metrics().Pressure
		if p.Frames != 9+8 || p.Readers != 1 || n.Metrics().Drops[protocol.Stale] != 17 {
			t.Errorf("%+v, drops %v", p, n.Metrics().Drops)
		}
		if n.backlog.Bytes() != 0 {
			t.Errorf("backlog %d", n.backlog.Bytes())
		}
	})
}

// keyed is an event {"n":number} with a key.
func keyed(t testing.TB, key string, number int) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Key: key,
		Data: fmt.Appendf(nil, `{"n":%d}`, number)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}
