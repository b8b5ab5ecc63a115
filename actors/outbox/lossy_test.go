package outbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// frameFor is a frame of a topic and key with a number to tell it by.
func frameFor(policy Policy, topic, key string, number int) *Frame {
	f := &Frame{Op: Text, Data: fmt.Appendf(nil, "%s %s %06d", topic, key, number), Born: 1}
	f.Bind(policy, topic, key)
	return f
}

func texts(frames []*Frame) (all []string) {
	for _, f := range frames {
		all = append(all, string(f.Data))
	}
	return all
}

func counted(o *Outbox) *Outbox {
	o.backpressure = NewBackpressure(1 << 30).Tenant()
	return o
}

func TestOutbox_DropsTheOldestOfATopicThatAllowsItAndOfNoOther(t *testing.T) {
	o := counted(newOutbox(&wakeCounter{}, 1<<20, 16)) // 12 for lossy frames
	for i := range 4 {
		o.send(frameFor(Keep, "alerts", "", i))
		o.send(frameFor(DropOldest, "other", "", i))
	}
	for i := range 100 {
		if !o.send(frameFor(DropOldest, "room", "", i)) {
			t.Fatalf("frame %d was refused", i)
		}
	}
	if frames := o.waiting.frames; frames != 12 || o.backpressure.Lost.Load() != 96 {
		t.Errorf("%d wait, %d were lost", frames, o.backpressure.Lost.Load())
	}
	for i := range 4 { // frames that must not be lost still have room
		if !o.send(frameFor(Keep, "alerts", "", 4+i)) {
			t.Errorf("alert %d was refused", i)
		}
	}
	if o.Offer(frameFor(Keep, "alerts", "", 9), AtOnce) != RefusedFull {
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
	o := counted(newOutbox(&wakeCounter{}, 1<<20, 400)) // 100 before it conflates
	for i := range 10_000 {
		if !o.send(frameFor(Conflate, "room", fmt.Sprint("k", i%7), i)) {
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
	if lost := o.backpressure.Lost.Load(); lost != 10_000-7 {
		t.Errorf("%d were lost", lost)
	}
}

func TestOutbox_KeepsAllOfATopicThatMayBeConflatedWhileTheReaderKeepsUp(t *testing.T) {
	o := counted(newOutbox(&wakeCounter{}, 1<<20, 400))
	for i := range 100 {
		o.send(frameFor(Conflate, "room", "k", i))
	}
	if got := len(o.Take(nil, 1<<20)); got != 100 || o.backpressure.Lost.Load() != 0 || o.waiting.lossy != nil {
		t.Errorf("took %d, lost %d", got, o.backpressure.Lost.Load())
	}
}

// A model test: whatever is offered, taken and lost, the accounts agree, the bounds hold, frames with the policy Keep
// arrive in their order, and each topic (each key, where it is conflated) keeps its own order.
func TestOutbox_LosesOnlyLossyFramesAndKeepsItsAccounts(t *testing.T) {
	for seed := range uint64(rounds(5, 20)) {
		rng := rand.New(rand.NewPCG(seed, 7))
		o := counted(newOutbox(&wakeCounter{}, 4000, 60))
		last, taken, keeps := map[string]int{}, []*Frame(nil), 0
		sent, got := 0, 0
		for i := range 20_000 {
			switch what := rng.IntN(20); {
			case what < 4:
				if o.send(frameFor(Keep, "alerts", "", i)) {
					keeps, sent = keeps+1, sent+1
				}
			case what < 10:
				if o.send(frameFor(DropOldest, fmt.Sprint("d", rng.IntN(3)), "", i)) {
					sent++
				}
			case what < 18:
				f := frameFor(Conflate, "c", fmt.Sprint(rng.IntN(12)), i)
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
					if f.policy == Keep {
						keeps--
					}
				}
				o.ack(taken[:part])
				taken = slices.Clone(taken[part:])
			}
			frames, bytes := o.waiting.frames, o.waiting.bytes
			if frames > 60 || bytes > 4000 || o.backpressure.bytes.Load() != int64(bytes) {
				t.Fatalf("%d frames, %d bytes wait, %d in the backpressure", frames, bytes, o.backpressure.bytes.Load())
			}
		}
		for more := o.Take(nil, 1<<20); len(more) > 0; more = o.Take(nil, 1<<20) {
			taken = append(taken, more...)
		}
		for _, f := range taken {
			got++
			if f.policy == Keep {
				keeps--
			}
		}
		o.ack(taken)
		frames, bytes := o.waiting.frames, o.waiting.bytes
		if frames != 0 || bytes != 0 || o.backpressure.bytes.Load() != 0 || o.waiting.lossy != nil || keeps != 0 {
			t.Errorf("left: %d frames, %d bytes, backpressure %d, %d kept ones missing",
				frames, bytes, o.backpressure.bytes.Load(), keeps)
		}
		if lost := int(o.backpressure.Lost.Load()); got > sent || got+lost < sent || lost == 0 {
			t.Errorf("sent %d, got %d, lost %d", sent, got, lost)
		}
	}
}

// At random: as long as all keys' newest fit, the last frame written of a key is its newest, however they grow.
func TestOutbox_ConflatingNeverLosesTheNewestThatFits(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range rounds(10, 50) {
		o := counted(newOutbox(&wakeCounter{}, 8000, 400)) // 6,000 bytes for what may be replaced
		newest, written := map[string]string{}, map[string]string{}
		note := func(frames []*Frame) {
			for _, f := range frames {
				topic, key, _ := strings.Cut(string(f.Data), " ")
				key, _, _ = strings.Cut(key, " ")
				written[topic+" "+key] = string(f.Data)
			}
			o.ack(frames)
		}
		for i := range 3000 {
			name := fmt.Sprintf("t%d k%d", rng.IntN(4), rng.IntN(10))
			topic, key, _ := strings.Cut(name, " ")
			data := fmt.Appendf(nil, "%s %d %s", name, i, strings.Repeat("x", rng.IntN(110)))
			f := &Frame{Op: Text, Data: data, Born: 1}
			f.Bind(Conflate, topic, key)
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
			if written[name] != want {
				t.Fatalf("of %s the last is %.20q, want %.20q", name, written[name], want)
			}
		}
		if o.backpressure.Lost.Load() == 0 {
			t.Fatal("nothing was conflated")
		}
	}
}

func TestOutbox_TheNewestOfAKeyReplacesTheOlderOneWhenOthersHaveTheRoom(t *testing.T) {
	o := counted(newOutbox(&wakeCounter{}, 4000, 400))
	o.send(frameFor(Conflate, "room", "k", 1))
	for i := 0; ; i++ {
		if bytes := o.waiting.bytes; bytes > 3000 {
			break
		}
		o.send(frameFor(Keep, "alerts", "", i))
	}
	larger := &Frame{Op: Text, Data: []byte("room k newest " + strings.Repeat("x", 100)), Born: 1}
	larger.Bind(Conflate, "room", "k")
	o.send(larger)
	if got := texts(o.Take(nil, 1<<20)); got[0] != string(larger.Data) {
		t.Errorf("first is %q", got[0])
	}
}

// The queue of a reader that is always a little behind is never empty, and topics come and go.
func TestOutbox_ForgetsTopicsForWhichNothingWaits(t *testing.T) {
	o := counted(newOutbox(&wakeCounter{}, 1<<20, 100))
	for i := range 10_000 {
		o.send(frameFor(Conflate, fmt.Sprint("device/", i), "", i))
		if frames := o.waiting.frames; frames > 60 {
			o.ack(o.Take(nil, 1))
		}
	}
	if frames := o.waiting.frames; o.waiting.lossy == nil || len(o.waiting.lossy.topics) > frames {
		t.Errorf("%d topic queues for %d frames", len(o.waiting.lossy.topics), frames)
	}
}

// A reader of several lossy topics gets what is left of them in the order in which it came, and a reader that does not
// read at all costs no more than its bounds.
func TestOutbox_DroppedFramesLeaveTheOthersInTheirOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	o := counted(newOutbox(&wakeCounter{}, 1<<20, 100))
	last := -1
	for i := range 20_000 {
		policy := DropOldest
		if rng.IntN(30) == 0 {
			policy = Keep
		}
		o.send(frameFor(policy, fmt.Sprint("t", rng.IntN(5), policy), "", i))
		if chunks := o.waiting.fifo.chunks(); chunks > 10 {
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
		o.ack(taken)
	}
	if last < 15_000 || o.backpressure.Lost.Load() == 0 {
		t.Errorf("the last was %d, %d were lost", last, o.backpressure.Lost.Load())
	}
}
