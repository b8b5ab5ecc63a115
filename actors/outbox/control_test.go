package outbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestControl_AnAnswerGoesAheadOfEventsAndBehindAnswers(t *testing.T) {
	o := newOutbox(&bell{}, 1<<20, 1000)
	say := func(text string, behind bool) { o.Charge(o.SendControl(Text, []byte(text), behind)) }
	for i := range 3 {
		o.send(&Frame{Op: Text, Data: fmt.Appendf(nil, "event %d", i)})
	}
	say("1", false)
	o.Reply(Pong, []byte("2"))
	say("3, the end", true) // tells where the events end
	o.send(&Frame{Op: Text, Data: []byte("event 3")})
	say("4", false) // must not overtake 3
	want := []string{"1", "2", "event 0", "event 1", "event 2", "3, the end", "event 3", "4"}
	if got := texts(o.Take(nil, 1<<20)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	say("5", true) // nothing to be behind of
	o.send(&Frame{Op: Text, Data: []byte("event 4")})
	say("6", false)
	if got := texts(o.Take(nil, 1<<20)); !slices.Equal(got, []string{"5", "6", "event 4"}) {
		t.Errorf("got %q", got)
	}
}

func TestControl_IsBoundedAndWhatDoesNotFitWaitsBehindTheEventsInItsOrder(t *testing.T) {
	o := newOutbox(&bell{}, 1<<20, 60)
	o.send(&Frame{Op: Text, Data: []byte("event")})
	var want []string
	for i := range 59 {
		if !o.Reply(Pong, fmt.Appendf(nil, "%d", i)) {
			t.Fatalf("answer %d was refused", i)
		}
		if want = append(want, fmt.Sprint(i)); i == controlFrames-1 {
			want = append(want, "event")
		}
	}
	if o.Reply(Pong, nil) {
		t.Error("the outbox takes more than its bound")
	}
	if got := texts(o.Take(nil, 1<<20)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if o.waiting.control.behind != 0 {
		t.Errorf("%d answers are still counted", o.waiting.control.behind)
	}
	big := strings.Repeat("x", controlBytes)
	o = newOutbox(&bell{}, 1<<20, 60)
	o.send(&Frame{Op: Text, Data: []byte("event")})
	o.SendControl(Text, []byte(big), false)
	if got := texts(o.Take(nil, 1<<20)); got[0] != "event" || len(got) != 2 {
		t.Errorf("a large answer went ahead")
	}
}

func TestControl_AFullOutboxStillTakesAnswers(t *testing.T) {
	o := newOutbox(&bell{}, 1<<20, 10)
	for o.send(frameOf(20)) {
	}
	if !o.Reply(Pong, nil) {
		t.Error("an answer was refused for events that wait")
	}
}

func TestControlQueue_IsBoundedInFramesAndBytesAndKeepsItsOrder(t *testing.T) {
	var s controlQueue
	var all []*controlFrame
	for range controlFrames {
		a := &controlFrame{Frame: *frameOf(16)}
		if !s.push(a) {
			t.Fatalf("refused after %d", len(all))
		}
		all = append(all, a)
	}
	if s.push(&controlFrame{}) {
		t.Error("one too many")
	}
	for i, a := range all {
		if s.first != a {
			t.Fatalf("aside %d is another", i)
		}
		if s.pop(); a.next != nil {
			t.Error("what was taken keeps the next alive")
		}
	}
	if s.push(&controlFrame{Frame: *frameOf(controlBytes + 1)}) || !s.push(&controlFrame{Frame: *frameOf(controlBytes)}) {
		t.Error("the bound in bytes is another")
	}
	if s = (controlQueue{behind: 1}); s.push(&controlFrame{}) {
		t.Error("got ahead of an answer that waits behind events")
	}
}
