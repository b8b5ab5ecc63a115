package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// frameFor is a frame of a topic and key with a number to tell it by.
func frameFor(to fate, topic, key string, number int) *Frame {
	f := &Frame{Op: Text, Data: fmt.Appendf(nil, "%s %s %06d", topic, key, number), Born: 1}
	f.bind(to, topic, key)
	return f
}

func texts(frames []*Frame) (all []string) {
	for _, f := range frames {
		all = append(all, string(f.Data))
	}
	return all
}

func counted(o *Outbox) *Outbox {
	o.backlog = newBacklog(1 << 30).part()
	return o
}

func TestOutbox_DropsTheOldestOfATopicThatAllowsItAndOfNoOther(t *testing.T) {
	o := counted(newOutbox(&bell{}, 1<<20, 16)) // 12 for those that may be dropped
	for i := range 4 {
		o.send(frameFor(lasting, "alerts", "", i))
		o.send(frameFor(droppable, "other", "", i))
	}
	for i := range 100 {
		if !o.send(frameFor(droppable, "room", "", i)) {
			t.Fatalf("frame %d was refused", i)
		}
	}
	if frames, _ := o.Waiting(); frames != 12 || o.backlog.lost.Load() != 96 {
		t.Errorf("%d wait, %d were lost", frames, o.backlog.lost.Load())
	}
	for i := range 4 { // what must not be lost still has its room
		if !o.send(frameFor(lasting, "alerts", "", 4+i)) {
			t.Errorf("alert %d was refused", i)
		}
	}
	if o.offer(frameFor(lasting, "alerts", "", 9)) != refusedFull {
		t.Error("the outbox has no bound")
	}
	var want []string
	for i := range 4 {
		want = append(want, fmt.Sprintf("alerts  %06d", i), fmt.Sprintf("other  %06d", i))
	}
	for i := range 4 {
		want = append(want, fmt.Sprintf("room  %06d", 96+i))
	}
	for i := range 4 {
		want = append(want, fmt.Sprintf("alerts  %06d", 4+i))
	}
	if got := texts(o.Take(nil, 1<<20)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOutbox_ConflatesToTheNewestOfEachKeyInThePlaceOfTheOldest(t *testing.T) {
	o := counted(newOutbox(&bell{}, 1<<20, 400)) // 100 before it conflates
	for i := range 10_000 {
		if !o.send(frameFor(replaceable, "room", fmt.Sprint("k", i%7), i)) {
			t.Fatalf("frame %d was refused", i)
		}
	}
	var want []string
	for i := 9996; i < 10_003; i++ { // k0 came first
		newest := i
		if newest >= 10_000 {
			newest -= 7
		}
		want = append(want, fmt.Sprintf("room k%d %06d", newest%7, newest))
	}
	slices.SortFunc(want, func(a, b string) int { return int(a[6]) - int(b[6]) })
	if got := texts(o.Take(nil, 1<<20)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if lost := o.backlog.lost.Load(); lost != 10_000-7 {
		t.Errorf("%d were lost", lost)
	}
}

func TestOutbox_KeepsAllOfATopicThatMayBeConflatedWhileTheReaderKeepsUp(t *testing.T) {
	o := counted(newOutbox(&bell{}, 1<<20, 400))
	for i := range 100 {
		o.send(frameFor(replaceable, "room", "k", i))
	}
	if got := len(o.Take(nil, 1<<20)); got != 100 || o.backlog.lost.Load() != 0 || o.waiting.loose != nil {
		t.Errorf("took %d, lost %d", got, o.backlog.lost.Load())
	}
}

// A model test: whatever is offered, taken and lost, the accounts agree, the bounds hold, what is lasting arrives in its
// order, and each topic (each key, where it is conflated) keeps its own.
func TestOutbox_LosesOnlyWhatMayBeLostAndKeepsItsAccounts(t *testing.T) {
	for seed := range uint64(rounds(5, 20)) {
		rng := rand.New(rand.NewPCG(seed, 7))
		o := counted(newOutbox(&bell{}, 4000, 60))
		last, taken, lasts := map[string]int{}, []*Frame(nil), 0
		sent, got := 0, 0
		for i := range 20_000 {
			switch what := rng.IntN(20); {
			case what < 4:
				if o.send(frameFor(lasting, "alerts", "", i)) {
					lasts, sent = lasts+1, sent+1
				}
			case what < 10:
				if o.send(frameFor(droppable, fmt.Sprint("d", rng.IntN(3)), "", i)) {
					sent++
				}
			case what < 18:
				f := frameFor(replaceable, "c", fmt.Sprint(rng.IntN(12)), i)
				f.Data = append(f.Data, make([]byte, rng.IntN(100))...)
				if o.send(f) {
					sent++
				}
			default:
				taken = append(taken, o.Take(nil, rng.IntN(900))...)
				part := rng.IntN(len(taken) + 1)
				for _, f := range taken[:part] {
					var topic, number = "", 0
					text := string(f.Data)
					if i := slices.Index(f.Data, 0); i >= 0 {
						text = text[:i]
					}
					topic = text[:len(text)-7]
					number, _ = strconv.Atoi(text[len(text)-6:])
					if before, ok := last[topic]; ok && before >= number {
						t.Fatalf("%q: %d came after %d", topic, number, before)
					}
					last[topic] = number
					got++
					if f.fate == lasting {
						lasts--
					}
				}
				o.Wrote(taken[:part])
				taken = slices.Clone(taken[part:])
			}
			if frames, bytes := o.Waiting(); frames > 60 || bytes > 4000 || o.backlog.bytes.Load() != int64(bytes) {
				t.Fatalf("%d frames, %d bytes wait, %d in the backlog", frames, bytes, o.backlog.bytes.Load())
			}
		}
		for more := o.Take(nil, 1<<20); len(more) > 0; more = o.Take(nil, 1<<20) {
			taken = append(taken, more...)
		}
		for _, f := range taken {
			got++
			if f.fate == lasting {
				lasts--
			}
		}
		o.Wrote(taken)
		if frames, bytes := o.Waiting(); frames != 0 || bytes != 0 || o.backlog.bytes.Load() != 0 || o.waiting.loose != nil || lasts != 0 {
			t.Errorf("left: %d frames, %d bytes, backlog %d, %d lasting ones missing", frames, bytes, o.backlog.bytes.Load(), lasts)
		}
		if lost := int(o.backlog.lost.Load()); got > sent || got+lost < sent || lost == 0 {
			t.Errorf("sent %d, got %d, lost %d", sent, got, lost)
		}
	}
}

// reliability.md check 38, the engine's part: a reader that does not read loses what its topic says, and stays.
func TestSlow_AReaderIsKeptOrEndedAsItsTopicSays(t *testing.T) {
	rules := Rules{List: []TopicRule{{Pattern: "telemetry/*", Slow: Conflate}, {Pattern: "log", Slow: DropOldest}}}
	bubble(t, Config{QueueFrames: 40}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Rules: rules})
		synctest.Wait()
		slow := map[string]*client{}
		for _, topic := range []string{"telemetry", "log", "alerts"} { // telemetry goes by the rule of each event's own topic
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
		if drops := n.Figures().Drops; drops[protocol.Stale] != 995+970 {
			t.Errorf("drops %v", drops)
		}
		if f := n.Figures(); f.Backlog != 0 {
			t.Errorf("backlog %d", f.Backlog)
		}
	})
}

func TestRules_TheFirstThatCoversATopicIsItsRuleAndTheListsSayWhatItLeavesOpen(t *testing.T) {
	r := &Rules{List: []TopicRule{{Pattern: "a/1", HistoryCount: 5}, {Pattern: "a/*", Slow: Conflate, Store: InMemory}, {Pattern: "b*", HistoryCount: -1}},
		Durable: []string{"a", "b/x"}, Sync: SyncInterval}
	for topic, want := range map[string]TopicRule{
		"a/1":   {Pattern: "a/1", HistoryCount: 5, Store: Durable, Sync: SyncInterval, Slow: Disconnect},
		"a/1/x": {Pattern: "a/1", HistoryCount: 5, Store: Durable, Sync: SyncInterval, Slow: Disconnect},
		"a/2":   {Pattern: "a/*", Store: InMemory, Sync: SyncInterval, Slow: Conflate},
		"a":     {Store: Durable, Sync: SyncInterval, Slow: Disconnect},
		"bee":   {Pattern: "b*", HistoryCount: -1, Store: InMemory, Sync: SyncInterval, Slow: Disconnect},
		"c":     {Store: InMemory, Sync: SyncInterval, Slow: Disconnect},
	} {
		if got := r.Rule(topic); got != want {
			t.Errorf("%s: %+v, want %+v", topic, got, want)
		}
	}
	if got := (&Rules{}).Rule("x"); got != (TopicRule{Store: InMemory, Sync: SyncAlways, Slow: Disconnect}) {
		t.Errorf("without rules: %+v", got)
	}
}

func TestRules_BoundATopicsHistoryAndDedupAndReachTopicsThatLive(t *testing.T) {
	bubble(t, Config{HistoryCount: 10, DedupCount: 10}, func(n *Node) {
		rule := func(rules ...TopicRule) {
			n.SetTenant(TenantConfig{Name: "acme", Rules: Rules{List: rules}})
			synctest.Wait()
		}
		remembers := func(want int) {
			t.Helper()
			page, _, err := n.Topics(context.Background(), "acme", TopicQuery{Prefix: "room"})
			if err != nil || len(page) != 1 || page[0].History != want {
				t.Errorf("%+v, %v; want a history of %d", page, err, want)
			}
		}
		rule(TopicRule{Pattern: "room", HistoryCount: 3, DedupCount: -1})
		for i := range 6 {
			if r := mustPublish(t, n, "room", jsonEvent(t, "same", i)); r.Duplicate {
				t.Error("an id was recognised without a window")
			}
		}
		remembers(3)
		rule(TopicRule{Pattern: "room", HistoryAge: time.Minute})
		for i := range 12 {
			mustPublish(t, n, "room", jsonEvent(t, fmt.Sprint(i), i))
		}
		remembers(10)
		if r := mustPublish(t, n, "room", jsonEvent(t, "11", 0)); !r.Duplicate {
			t.Error("an id was not recognised")
		}
		rule(TopicRule{Pattern: "room", HistoryCount: 2, HistoryAge: time.Minute})
		mustPublish(t, n, "room", jsonEvent(t, "", 0))
		remembers(2)
		time.Sleep(2 * time.Minute)
		remembers(0)
	})
}

// A client that resumes behind what waits for it already, and reads on later, ends at what is newest.
func TestSlow_WhatIsNewerNeverGetsAheadOfAReplay(t *testing.T) {
	for _, slow := range []string{Conflate, DropOldest} {
		bubble(t, Config{QueueFrames: 40}, func(n *Node) {
			n.SetTenant(TenantConfig{Name: "acme", Rules: Rules{List: []TopicRule{{Pattern: "room/*", Slow: slow}}}})
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
func TestSlow_AReplayThatDoesNotFitIsRefusedAndNotThinnedOut(t *testing.T) {
	bubble(t, Config{QueueFrames: 40}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Rules: Rules{List: []TopicRule{{Pattern: "log", Slow: DropOldest}}}})
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

// With chance: as long as all keys' newest fit, the last that is heard of a key is its newest, however they grow.
func TestOutbox_ConflatingNeverLosesTheNewestThatFits(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range rounds(10, 50) {
		o := counted(newOutbox(&bell{}, 8000, 400)) // 6,000 bytes for what may be replaced
		newest, heard := map[string]string{}, map[string]string{}
		note := func(frames []*Frame) {
			for _, f := range frames {
				topic, key, _ := strings.Cut(string(f.Data), " ")
				key, _, _ = strings.Cut(key, " ")
				heard[topic+" "+key] = string(f.Data)
			}
			o.Wrote(frames)
		}
		for i := range 3000 {
			name := fmt.Sprintf("t%d k%d", rng.IntN(4), rng.IntN(10))
			topic, key, _ := strings.Cut(name, " ")
			f := &Frame{Op: Text, Data: fmt.Appendf(nil, "%s %d %s", name, i, strings.Repeat("x", rng.IntN(110))), Born: 1}
			f.bind(replaceable, topic, key)
			newest[name] = string(f.Data)
			o.send(f)
			if rng.IntN(200) == 0 {
				note(o.Take(nil, rng.IntN(3000)))
			}
		}
		for more := o.Take(nil, 1000); len(more) > 0; more = o.Take(nil, 1000) {
			note(more)
		}
		for name, want := range newest {
			if heard[name] != want {
				t.Fatalf("of %s the last is %.20q, want %.20q", name, heard[name], want)
			}
		}
		if o.backlog.lost.Load() == 0 {
			t.Fatal("nothing was conflated")
		}
	}
}

func TestOutbox_WhatIsNewestOfAKeyReplacesTheOlderOneWhenOthersHaveTheRoom(t *testing.T) {
	o := counted(newOutbox(&bell{}, 4000, 400))
	o.send(frameFor(replaceable, "room", "k", 1))
	for i := 0; ; i++ {
		if _, bytes := o.Waiting(); bytes > 3000 {
			break
		}
		o.send(frameFor(lasting, "alerts", "", i))
	}
	larger := &Frame{Op: Text, Data: []byte("room k newest " + strings.Repeat("x", 100)), Born: 1}
	larger.bind(replaceable, "room", "k")
	o.send(larger)
	if got := texts(o.Take(nil, 1<<20)); got[0] != string(larger.Data) {
		t.Errorf("first is %q", got[0])
	}
}

// The queue of a reader that is always a little behind is never empty, and topics come and go.
func TestOutbox_ForgetsTopicsForWhichNothingWaits(t *testing.T) {
	o := counted(newOutbox(&bell{}, 1<<20, 100))
	for i := range 10_000 {
		o.send(frameFor(replaceable, fmt.Sprint("device/", i), "", i))
		if frames, _ := o.Waiting(); frames > 60 {
			o.Wrote(o.Take(nil, 1))
		}
	}
	if frames, _ := o.Waiting(); o.waiting.loose == nil || len(o.waiting.loose.lanes) > frames {
		t.Errorf("%d lanes for %d frames", len(o.waiting.loose.lanes), frames)
	}
}

// A reader of several topics that may be dropped hears what is left of them in the order in which it came, and one that
// does not read at all costs no more than its bounds.
func TestOutbox_WhatIsDroppedLeavesTheOthersInTheirOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	o := counted(newOutbox(&bell{}, 1<<20, 100))
	last := -1
	for i := range 20_000 {
		to := droppable
		if rng.IntN(30) == 0 {
			to = lasting
		}
		o.send(frameFor(to, fmt.Sprint("t", rng.IntN(5), to), "", i))
		if chunks := o.waiting.line.chunks(); chunks > 10 {
			t.Fatalf("%d frames wait in %d chunks", o.waiting.frames, chunks)
		}
		if rng.IntN(500) > 0 {
			continue
		}
		taken := o.Take(nil, rng.IntN(4000))
		for _, f := range taken {
			var number int
			fmt.Sscanf(string(f.Data[len(f.Data)-6:]), "%d", &number)
			if number <= last {
				t.Fatalf("%d came after %d", number, last)
			}
			last = number
		}
		o.Wrote(taken)
	}
	if last < 15_000 || o.backlog.lost.Load() == 0 {
		t.Errorf("the last was %d, %d were lost", last, o.backlog.lost.Load())
	}
}
