package relay

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

// fakeNode records what a relay does.
type fakeNode struct{ did []string }

func (f *fakeNode) Send(to message.Node, m *message.Message) {
	names := map[message.Kind]string{
		message.Attach: "attach", message.Detach: "detach", message.Confirm: "confirm", message.Rejoined: "rejoined",
	}
	f.did = append(f.did, fmt.Sprintf("%s %s%s:%d/%d to %d.%d",
		names[m.Kind], m.Topic, m.Epoch, m.Offset, m.Count, to, m.Term))
}

func (f *fakeNode) Deliver(m *message.Message) int {
	f.did = append(f.did, "deliver "+string(m.Body))
	return 3
}

func (f *fakeNode) Lost(topic string) { f.did = append(f.did, "lost "+topic) }

func (f *fakeNode) take(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(f.did, want) {
		t.Errorf("the relay did %q, want %q", f.did, want)
	}
	f.did = nil
}

// attached makes a relay with the topic "t" attached to node 1 in term 5, at offset 7 of epoch e.
func attached(t *testing.T) (*Relay, *fakeNode) {
	t.Helper()
	n := &fakeNode{}
	r := New(3, n)
	r.Subscribe(0, "t")
	n.take(t)
	r.Leads(0, 1, &message.Message{Term: 5, Count: 2})
	n.take(t, "attach t:0/0 to 1.5", "rejoined :0/2 to 1.5")
	r.Receive(0, 1, &message.Message{Kind: message.Attached, Term: 5, Topic: "t", Number: 1, Epoch: "e", Offset: 7})
	n.take(t, "confirm t:7/0 to 1.5")
	if !r.Attached("t") || r.Attached("u") || r.Home() != 1 || r.Term() != 5 {
		t.Error("the topic is not attached")
	}
	return r, n
}

func event(term, offset, number uint64) *message.Message {
	return &message.Message{
		Kind: message.Event, Term: term, Topic: "t", Epoch: "e", Offset: offset,
		Origin: 2, Start: 1, Number: number, Body: fmt.Append(nil, number),
	}
}

func TestRelay_DeliversInOrderAndConfirms(t *testing.T) {
	r, n := attached(t)
	r.Receive(0, 1, event(5, 8, 1))
	r.Receive(0, 1, event(5, 9, 2))
	n.take(t, "deliver 1", "confirm t:8/3 to 1.5", "deliver 2", "confirm t:9/3 to 1.5")
	r.Receive(0, 1, event(5, 9, 2))
	n.take(t, "confirm t:9/0 to 1.5")
}

func TestRelay_AsksForAGapOnceInAWhile(t *testing.T) {
	r, n := attached(t)
	r.Receive(askAgain, 1, event(5, 9, 2))
	n.take(t, "attach te:7/0 to 1.5")
	r.Receive(askAgain+1, 1, event(5, 10, 3))
	n.take(t)
	r.Receive(2*askAgain, 1, event(5, 11, 4))
	n.take(t, "attach te:7/0 to 1.5")
}

func TestRelay_AnEventThatAnEarlierHomeDeliveredIsNotDeliveredAgain(t *testing.T) {
	r, n := attached(t)
	r.Receive(0, 1, event(5, 8, 4))
	n.did = nil
	r.Leads(time.Second, 3, &message.Message{Term: 6, Count: 1})
	n.take(t, "attach te:8/0 to 3.6", "rejoined :0/1 to 3.6")
	r.Receive(time.Second, 3, &message.Message{Kind: message.Attached, Term: 6, Topic: "t", Number: 1, Epoch: "f"})
	again, next := event(6, 1, 4), event(6, 2, 5)
	again.Epoch, next.Epoch = "f", "f"
	r.Receive(time.Second, 3, again)
	r.Receive(time.Second, 3, next)
	n.take(t, "confirm t:0/0 to 3.6", "confirm t:1/0 to 3.6", "deliver 5", "confirm t:2/3 to 3.6")
}

func TestRelay_ANewProcessOfAnOriginBeginsItsNumbersAnew(t *testing.T) {
	r, n := attached(t)
	r.Receive(0, 1, event(5, 8, 4))
	restarted := event(5, 9, 1)
	restarted.Start = 2
	r.Receive(0, 1, restarted)
	n.take(t, "deliver 4", "confirm t:8/3 to 1.5", "deliver 1", "confirm t:9/3 to 1.5")
}

func TestRelay_FramesOfAnEarlierHomeAreIgnored(t *testing.T) {
	r, n := attached(t)
	r.Leads(0, 3, &message.Message{Term: 6})
	n.did = nil
	r.Receive(0, 1, event(5, 8, 1))
	r.Receive(0, 1, event(6, 8, 1))
	r.Leads(0, 1, &message.Message{Term: 5})
	n.take(t)
}

func TestRelay_ALossIsTold(t *testing.T) {
	r, n := attached(t)
	r.Receive(0, 1, &message.Message{
		Kind: message.Attached, Term: 5, Topic: "t", Number: 1, Epoch: "e", Offset: 300, Flag: true,
	})
	n.take(t, "lost t", "confirm t:300/0 to 1.5")
}

func TestRelay_TheAnswerToAnOlderQuestionDoesNotTakeATopicBack(t *testing.T) {
	r, n := attached(t)
	r.Receive(0, 1, event(5, 8, 1))
	r.Receive(0, 1, &message.Message{Kind: message.Attached, Term: 5, Topic: "t", Number: 1, Epoch: "e", Offset: 7})
	n.take(t, "deliver 1", "confirm t:8/3 to 1.5", "confirm t:8/0 to 1.5")
}

func TestRelay_ATopicWithoutSubscribersIsDetached(t *testing.T) {
	r, n := attached(t)
	r.Subscribe(0, "t")
	r.Unsubscribe("t")
	r.Unsubscribe("t")
	r.Receive(0, 1, event(5, 8, 1))
	n.take(t, "detach t:0/0 to 1.5")
}

func TestRelay_TheAnswerToAnEndedSubscriptionIsNotThatToANewOne(t *testing.T) {
	r, n := attached(t)
	r.Unsubscribe("t")
	r.Subscribe(0, "t")
	n.take(t, "detach t:0/0 to 1.5", "attach t:0/0 to 1.5")
	r.Receive(0, 1, &message.Message{Kind: message.Attached, Term: 5, Topic: "t", Number: 1, Epoch: "e", Offset: 7})
	n.take(t)
	if r.Attached("t") {
		t.Error("the topic counts as attached")
	}
}

func TestRelay_AnAnswerThatLeavesEventsOutIsAskedForAgain(t *testing.T) {
	r, n := attached(t)
	r.Receive(0, 1, &message.Message{Kind: message.Attached, Term: 5, Topic: "t", Number: 1, Epoch: "e", Offset: 9})
	n.take(t, "attach te:7/0 to 1.5")
	r.Receive(0, 1, event(5, 8, 1))
	n.take(t, "deliver 1", "confirm t:8/3 to 1.5")
}
