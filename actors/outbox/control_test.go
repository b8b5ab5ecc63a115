package outbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestControl_AnAnswerGoesAheadOfEventsAndBehindEarlierAnswers(t *testing.T) {
	o := newOutbox(&wakeCounter{}, 1<<20, 1000)
	answer := func(text string, behind bool) { o.Charge(o.SendControl(Text, []byte(text), behind)) }
	for i := range 3 {
		o.send(&Frame{Op: Text, Data: fmt.Appendf(nil, "event %d", i)})
	}
	answer("1", false)
	o.Charge(o.SendControl(Pong, []byte("2"), false))
	answer("3, the end", true) // comes after the events
	o.send(&Frame{Op: Text, Data: []byte("event 3")})
	answer("4", false) // must not overtake 3
	want := []string{"1", "2", "event 0", "event 1", "event 2", "3, the end", "event 3", "4"}
	if got := texts(o.Take(nil, 1<<20)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	answer("5", true) // no events to wait behind
	o.send(&Frame{Op: Text, Data: []byte("event 4")})
	answer("6", false)
	if got := texts(o.Take(nil, 1<<20)); !slices.Equal(got, []string{"5", "6", "event 4"}) {
		t.Errorf("got %q", got)
	}
}

func TestControl_IsBoundedAndWhatDoesNotFitWaitsBehindTheEventsInItsOrder(t *testing.T) {
	o := newOutbox(&wakeCounter{}, 1<<20, 60)
	o.send(&Frame{Op: Text, Data: []byte("event")})
	var want []string
	for i := range 59 {
		if !o.Charge(o.SendControl(Pong, fmt.Appendf(nil, "%d", i), false)) {
			t.Fatalf("answer %d was refused", i)
		}
		if want = append(want, fmt.Sprint(i)); i == controlFrames-1 {
			want = append(want, "event")
		}
	}
	if o.Charge(o.SendControl(Pong, nil, false)) {
		t.Error("the outbox takes more than its bound")
	}
	if got := texts(o.Take(nil, 1<<20)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if o.waiting.control.behind != 0 {
		t.Errorf("%d answers are still counted", o.waiting.control.behind)
	}
	big := strings.Repeat("x", controlBytes)
	o = newOutbox(&wakeCounter{}, 1<<20, 60)
	o.send(&Frame{Op: Text, Data: []byte("event")})
	o.SendControl(Text, []byte(big), false)
	if got := texts(o.Take(nil, 1<<20)); got[0] != "event" || len(got) != 2 {
		t.Errorf("a large answer went ahead")
	}
}

func TestControl_AFullOutboxStillTakesAnswers(t *testing.T) {
	o := newOutbox(&wakeCounter{}, 1<<20, 10)
	for o.send(frameOf(20)) {
	}
	if !o.Charge(o.SendControl(Pong, nil, false)) {
		t.Error("an answer was refused for events that wait")
	}
}

func TestControlQueue_IsBoundedInFramesAndBytesAndKeepsItsOrder(t *testing.T) {
	var q controlQueue
	var all []*controlFrame
	for range controlFrames {
		f := &controlFrame{Frame: *frameOf(16)}
		if !q.push(f) {
			t.Fatalf("refused after %d", len(all))
		}
		all = append(all, f)
	}
	if q.push(&controlFrame{}) {
		t.Error("one too many")
	}
	for i, f := range all {
		if q.first != f {
			t.Fatalf("control frame %d is another", i)
		}
		if q.pop(); f.next != nil {
			t.Error("a frame that was taken keeps the next one alive")
		}
	}
	tooLarge, fits := &controlFrame{Frame: *frameOf(controlBytes + 1)}, &controlFrame{Frame: *frameOf(controlBytes)}
	if q.push(tooLarge) || !q.push(fits) {
		t.Error("the bound in bytes is another")
	}
	if q = (controlQueue{behind: 1}); q.push(&controlFrame{}) {
		t.Error("an answer got ahead of one that waits behind events")
	}
}
