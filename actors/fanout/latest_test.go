package fanout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// sleeper is a transport that never takes anything by itself.
type sleeper struct{}

func (sleeper) Wake()                {}
func (sleeper) Close(uint16, string) {}
func (sleeper) Cut()                 {}

// engine says events as "key data", or with parts as "key name=value ...".
type engine struct{}

func (engine) Encode(_ protocol.Dialect, to protocol.Delivery, born int64) *outbox.Frame {
	ev := to.Event
	words := fmt.Appendf(nil, "%s %s", ev.Key, ev.Data)
	if ev.Parts() != nil {
		words = fmt.Appendf(nil, "%s", ev.Key)
		for _, part := range ev.Parts() {
			if to.View.Includes(part.Name) {
				words = fmt.Appendf(words, " %s=%s", part.Name, part.Value)
			}
		}
	}
	return &outbox.Frame{Op: outbox.Text, Data: words, Born: born}
}
func (engine) TooSlow(*outbox.Outbox)     {}
func (engine) When(*Delivery) outbox.When { return outbox.Batched }
func (engine) Place(offset uint64) (string, protocol.Position) {
	return "telemetry", protocol.Position{Epoch: "e", Offset: offset}
}

// holder is a topic's subscribers with what a test of Hold needs.
type holder struct {
	t *testing.T
	Subscribers
	shared *outbox.Shared
	node   *outbox.Backpressure
	offset uint64
	batch  policy.Batch
}

func newHolder(t *testing.T) *holder {
	return &holder{t: t, node: outbox.NewBackpressure(1 << 30), batch: policy.Batch{Count: 64, Latest: true},
		shared: &outbox.Shared{Limits: outbox.Limits{Bytes: 1 << 20, Frames: 1000}}}
}

// come adds a subscriber.
func (h *holder) come(number uint64, f *Filters) *outbox.Outbox {
	o := &outbox.Outbox{}
	o.Init(h.shared, number, false)
	o.Attach(sleeper{})
	o.SetBackpressure(h.node.Tenant())
	h.Set(engine{}, o, quiet, f, h.offset)
	return o
}

// hold holds an event of a key, with parts such as `"temp":1`, and compares what Hold returns.
func (h *holder) hold(key, parts string, exclude uint64, wanted, replaced int) (full bool) {
	h.t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Telemetry,
		Data: fmt.Appendf(nil, `{"device_id":%q,"telemetry":{%s}}`, key, parts)})
	if err != nil {
		h.t.Fatal(err)
	}
	ev.Topic = "telemetry/" + key
	d := NewDelivery(ev, true)
	d.Exclude, d.Batch, d.Born = exclude, &h.batch, 1
	h.offset++
	got, lost, full := h.Hold(engine{}, d, h.offset)
	if got != wanted || lost != replaced {
		h.t.Errorf("event %d of %s: %d want it and %d lose an older one, want %d and %d",
			h.offset, key, got, lost, wanted, replaced)
	}
	return full
}

func heard(o *outbox.Outbox) (all []string) {
	for _, f := range o.Take(nil, 1<<20) {
		all = append(all, string(f.Data))
	}
	return all
}

func (h *holder) wantHeard(o *outbox.Outbox, want ...string) {
	h.t.Helper()
	if got := heard(o); !slices.Equal(got, want) {
		h.t.Errorf("%d heard %q, want %q", o.Number(), got, want)
	}
}

// filtersFor are the filters of one subscription.
func filtersFor(f protocol.Filter) *Filters {
	var s Subscriptions
	return s.Add("telemetry", f, nil)[0].Filters
}

func TestHold_TheNewestOfEachKeyIsDeliveredInTheOrderOfTheNewest(t *testing.T) {
	h := newHolder(t)
	a, b := h.come(1, everything), h.come(2, everything)
	h.hold("x", `"n":1`, 0, 2, 0)
	h.hold("y", `"n":2`, 0, 2, 0)
	h.hold("x", `"n":3`, 0, 2, 2)
	if h.wantHeard(a); !h.HoldsLatest() {
		t.Error("nothing is held")
	}
	delivered, _ := h.FlushLatest(engine{}, time.Now())
	if delivered != 4 || h.HoldsLatest() {
		t.Errorf("%d delivered", delivered)
	}
	h.wantHeard(a, "y n=2", "x n=3")
	h.wantHeard(b, "y n=2", "x n=3")
}

func TestHold_PartsThatANewerEventDoesNotHaveStay(t *testing.T) {
	h := newHolder(t)
	a := h.come(1, everything)
	h.hold("x", `"temp":1,"hum":2`, 0, 1, 0)
	h.hold("x", `"temp":3`, 0, 1, 1)
	late := h.come(2, everything)
	h.hold("x", `"temp":4`, 0, 2, 0) // joined, the newcomer would hear a part from before it came
	h.hold("x", `"temp":5`, 0, 2, 2)
	h.FlushLatest(engine{}, time.Now())
	h.wantHeard(a, "x temp=3 hum=2", "x temp=5")
	h.wantHeard(late, "x temp=5")
}

func TestHold_AnEventJoinsNoneThatIsForOthers(t *testing.T) {
	h := newHolder(t)
	a, b := h.come(1, everything), h.come(2, everything)
	h.hold("x", `"n":1`, 1, 1, 0)
	h.hold("x", `"n":2`, 1, 1, 1)
	h.hold("x", `"n":3`, 0, 2, 0)
	h.hold("x", `"n":4`, 2, 1, 0)
	h.hold("x", `"n":5`, 9, 2, 0) // 9 is not here
	h.FlushLatest(engine{}, time.Now())
	h.wantHeard(a, "x n=3", "x n=4", "x n=5")
	h.wantHeard(b, "x n=2", "x n=3", "x n=5")
}

func TestHold_IsForThoseWhoWantIt(t *testing.T) {
	h := newHolder(t)
	if h.hold("x", `"n":1`, 0, 0, 0); h.HoldsLatest() {
		t.Error("it holds what nobody wants")
	}
	temp := h.come(1, filtersFor(protocol.Filter{View: protocol.Project([]string{"temp"})}))
	if h.hold("x", `"hum":1`, 0, 0, 0); h.HoldsLatest() {
		t.Error("it holds what nobody wants")
	}
	h.hold("x", `"hum":1,"temp":2`, 0, 1, 0)
	h.FlushLatest(engine{}, time.Now())
	h.wantHeard(temp, "x temp=2")
}

func TestHold_ASubscriberThatGoesGetsWhatIsHeldForItAndOthersGetItLater(t *testing.T) {
	h := newHolder(t)
	a, b := h.come(1, everything), h.come(2, everything)
	h.hold("x", `"n":1`, 0, 2, 0)
	h.hold("y", `"n":2`, 1, 1, 0)
	late := h.come(3, everything)
	if n := h.FlushLatestTo(engine{}, a); n != 1 {
		t.Errorf("%d for the one that goes", n)
	}
	if n := h.FlushLatestTo(engine{}, late); n != 0 {
		t.Errorf("%d for one that came later", n)
	}
	h.wantHeard(a, "x n=1")
	h.Remove(a)
	h.FlushLatest(engine{}, time.Now())
	h.wantHeard(a)
	h.wantHeard(b, "x n=1", "y n=2")
	h.wantHeard(late)
}

func TestHold_OtherFiltersBeginAfterWhatIsHeld(t *testing.T) {
	h := newHolder(t)
	a := h.come(1, everything)
	h.hold("x", `"hum":1`, 0, 1, 0)
	h.Set(engine{}, a, quiet, filtersFor(protocol.Filter{View: protocol.Project([]string{"temp"})}), h.offset)
	h.wantHeard(a, "x hum=1")
	h.FlushLatest(engine{}, time.Now())
	h.wantHeard(a)
}

func TestHold_IsFullWithItsCountOrTooManyBytes(t *testing.T) {
	h := newHolder(t)
	h.batch.Count = 3
	h.come(1, everything)
	for i, full := range []bool{false, false, false, true} { // the third is of a key that is held
		if got := h.hold([]string{"x", "y", "x", "z"}[i], `"n":1`, 0, 1, []int{0, 0, 1, 0}[i]); got != full {
			t.Errorf("event %d: full is %t", i, got)
		}
	}
	h.FlushLatest(engine{}, time.Now())
	large := fmt.Sprintf(`"n":{"value":1,"pad":%q}`, strings.Repeat("x", maxHeldBytes/8))
	h.batch.Count = 64
	full := false
	for i := 0; i < 8 && !full; i++ {
		full = h.hold(fmt.Sprint(i), large, 0, 1, 0)
	}
	if !full {
		t.Error("its bytes are not bounded")
	}
}

// The transports are woken at the end of the window, once.
func TestFlushAll_WakesThoseForWhichEventsWait(t *testing.T) {
	h := newHolder(t)
	a := h.come(1, everything)
	h.hold("x", `"n":1`, 0, 1, 0)
	h.hold("y", `"n":1`, 0, 1, 0)
	h.FlushLatest(engine{}, time.Now())
	if h.node.Bytes() != 0 {
		t.Error("what is batched counts as waiting")
	}
	h.FlushAll()
	if h.node.Bytes() == 0 {
		t.Error("the transport sleeps on")
	}
	h.wantHeard(a, "x n=1", "y n=1")
}
