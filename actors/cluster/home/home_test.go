package home

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/entry"
	"github.com/parley-realtime/parley/actors/cluster/message"
)

// fakeHost records what a home does.
type fakeHost struct {
	did    []string
	epochs int
}

var names = map[message.Kind]string{
	message.Leads: "leads", message.Answer: "answer", message.Event: "event", message.Attached: "attached",
}

func (f *fakeHost) Send(to message.Node, m *message.Message) {
	did := fmt.Sprintf("%d %s", to, names[m.Kind])
	switch m.Kind {
	case message.Leads:
		did += fmt.Sprintf(" round %d", m.Count)
	case message.Answer:
		did += fmt.Sprintf(" %d: %s:%d, %d got it", m.Number, m.Epoch, m.Offset, m.Count)
	case message.Event:
		did += fmt.Sprintf(" %s %s:%d is %s", m.Topic, m.Epoch, m.Offset, m.Body)
	case message.Attached:
		did += fmt.Sprintf(" %s %s:%d", m.Topic, m.Epoch, m.Offset)
		if m.Flag {
			did += " lost"
		}
	}
	f.did = append(f.did, did)
}

func (f *fakeHost) Propose(c Change) {
	f.did = append(f.did, fmt.Sprintf("propose %d %v", c.Node, c.Out))
}

func (f *fakeHost) NewEpoch() string {
	f.epochs++
	return fmt.Sprintf("e%d", f.epochs)
}

func (f *fakeHost) take(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(f.did, want) {
		t.Errorf("the home did %q, want %q", f.did, want)
	}
	f.did = nil
}

// stage is a home of three nodes in term 5 with a lease of an hour.
type stage struct {
	*Home
	*fakeHost
	t   *testing.T
	now time.Duration
}

func newStage(t *testing.T, inSync ...message.Node) *stage {
	f := &fakeHost{}
	s := &stage{New(0, 3, 5, []message.Node{1, 2, 3}, inSync, f), f, t, 0}
	s.take(t, "1 leads round 1", "2 leads round 1", "3 leads round 1")
	s.Extend(0, time.Hour)
	return s
}

func (s *stage) from(id message.Node, m message.Message) {
	m.Term = 5
	if m.Topic == "" && m.Kind != message.Rejoined {
		m.Topic = "t"
	}
	s.Receive(s.now, id, 1, &m)
}

// publish publishes event number n of node 1; before is the one that waits before it.
func (s *stage) publish(n, before, oldest uint64) {
	body := fmt.Append(nil, n)
	s.from(1, message.Message{Kind: message.Publish, Number: n, Count: before, Offset: oldest, Body: body})
}

func (s *stage) attach(id message.Node, epoch string, offset uint64) {
	s.from(id, message.Message{Kind: message.Attach, Epoch: epoch, Offset: offset})
}

func (s *stage) confirm(id message.Node, offset, count uint64) {
	s.from(id, message.Message{Kind: message.Confirm, Offset: offset, Count: count})
}

func (s *stage) rejoin(id message.Node, round uint64) {
	s.from(id, message.Message{Kind: message.Rejoined, Count: round})
}

func (s *stage) tick(d time.Duration) {
	s.now += d
	s.Tick(s.now)
}

func TestHome_AnswersWhenAllThatSubscribedHaveTheEvent(t *testing.T) {
	s := newStage(t)
	for _, id := range []message.Node{2, 3} {
		s.attach(id, "", 0)
		s.confirm(id, 0, 0)
	}
	s.take(t, "2 attached t e1:0", "3 attached t e1:0")
	s.publish(1, 0, 1)
	s.take(t, "2 event t e1:1 is 1", "3 event t e1:1 is 1")
	s.confirm(2, 1, 10)
	s.confirm(2, 1, 10)
	s.take(t)
	s.confirm(3, 1, 20)
	s.take(t, "1 answer 1: e1:1, 30 got it")
	s.publish(1, 0, 1)
	s.take(t, "1 answer 1: e1:1, 30 got it")
	s.publish(2, 0, 2)
	s.publish(1, 0, 2)
	s.take(t, "2 event t e1:2 is 2", "3 event t e1:2 is 2")
	s.from(3, message.Message{Kind: message.Detach})
	s.confirm(2, 2, 1)
	s.take(t, "1 answer 2: e1:2, 1 got it")
}

func TestHome_APublishWhosePredecessorWasLostIsIgnored(t *testing.T) {
	s := newStage(t)
	s.publish(2, 1, 1)
	s.take(t)
	s.publish(1, 0, 1)
	s.publish(2, 1, 1)
	s.take(t, "1 answer 1: e1:1, 0 got it", "1 answer 2: e1:2, 0 got it")
}

func TestHome_WithoutALeaseNobodyIsAnswered(t *testing.T) {
	s := newStage(t)
	s.Extend(0, 0)
	s.publish(1, 0, 1)
	s.from(1, message.Message{Kind: message.Publish, Topic: "u", Number: 2, Count: 1, Offset: 1})
	s.take(t)
	s.Extend(0, time.Second)
	s.take(t, "1 answer 1: e1:1, 0 got it", "1 answer 2: e2:1, 0 got it")
}

func TestHome_OpensWhenTheNodesInSyncHaveToldTheirTopics(t *testing.T) {
	s := newStage(t, 2, 3)
	s.publish(1, 0, 1)
	s.publish(1, 0, 1)
	s.attach(2, "old", 7)
	s.rejoin(2, 1)
	s.take(t, "2 attached t e1:0")
	s.Silent(0, 3, true)
	s.tick(0)
	s.take(t, "propose 3 true")
	s.Agreed(0, Change{3, true})
	s.take(t, "3 leads round 2", "2 event t e1:1 is 1")
	s.attach(3, "old", 7)
	s.take(t, "3 attached t e1:1 lost")
	s.Silent(0, 3, false)
	s.rejoin(3, 2)
	s.confirm(3, 0, 0) // of something older
	s.tick(0)
	s.take(t)
}

func TestHome_ANodeThatIsSilentIsWaitedForUntilTheLogHasItOut(t *testing.T) {
	s := newStage(t, 2)
	s.attach(2, "", 0)
	s.rejoin(2, 1)
	s.confirm(2, 0, 0)
	s.publish(1, 0, 1)
	s.did = nil
	s.Silent(0, 2, true)
	s.tick(0)
	s.tick(proposeAgain - 1)
	s.take(t, "propose 2 true")
	s.tick(1)
	s.take(t, "propose 2 true")
	s.Agreed(0, Change{2, true})
	s.take(t, "1 answer 1: e1:1, 0 got it", "2 leads round 2")
}

func TestHome_ANodeComesInWhenItHasConfirmedAllThatItMissed(t *testing.T) {
	s := newStage(t)
	s.publish(1, 0, 1)
	s.attach(3, "e1", 0)
	s.rejoin(3, 1)
	s.did = nil
	s.tick(0)
	s.take(t)
	s.confirm(3, 1, 1)
	s.tick(0)
	s.take(t, "propose 3 false")
	s.publish(2, 0, 2)
	s.did = nil
	s.attach(3, "e1", 1) // it missed a frame meanwhile
	s.take(t, "3 attached t e1:1", "3 event t e1:2 is 2")
	s.Agreed(0, Change{3, false})
	s.confirm(3, 2, 1)
	s.take(t, "1 answer 2: e1:2, 1 got it")
	s.tick(time.Hour)
	s.take(t)
}

func TestHome_ANodeOutOfTheSetDoesNotDelayAnybody(t *testing.T) {
	s := newStage(t)
	s.attach(2, "", 0)
	s.confirm(2, 0, 0)
	s.publish(1, 0, 1)
	s.did = nil
	s.Silent(0, 2, true)
	s.tick(0)
	s.take(t, "1 answer 1: e1:1, 0 got it", "2 leads round 2")
}

func TestHome_ANodeIsAskedAgainAfterALoss(t *testing.T) {
	s := newStage(t)
	s.attach(2, "", 0)
	s.confirm(2, 0, 0)
	s.did = nil
	s.Again(0, 2, false)
	s.take(t, "2 leads round 2")
	s.publish(1, 0, 1)
	s.take(t, "2 event t e1:1 is 1")
	s.rejoin(2, 1) // to the former question
	s.take(t)
	s.rejoin(2, 2) // it has no topic any more
	s.take(t, "1 answer 1: e1:1, 0 got it")
}

func TestHome_AQuestionThatIsAskedTwiceDoesNotCountAsAConfirmation(t *testing.T) {
	s := newStage(t, 2)
	s.rejoin(2, 1)
	s.attach(2, "", 0)
	s.publish(1, 0, 1)
	s.did = nil
	s.attach(2, "", 0)
	s.take(t, "2 attached t e1:0", "2 event t e1:1 is 1")
	s.from(2, message.Message{Kind: message.Attach, Number: 7}) // the topic was left and subscribed to again
	s.take(t, "2 attached t e1:1", "1 answer 1: e1:1, 0 got it")
}

func TestHome_ANewProcessHasNoneOfTheOldTopics(t *testing.T) {
	s := newStage(t, 2)
	s.attach(2, "", 0)
	s.rejoin(2, 1)
	s.publish(1, 0, 1)
	s.did = nil
	s.Again(0, 2, true)
	s.take(t, "1 answer 1: e1:1, 0 got it", "2 leads round 2")
}

func TestHome_ANewProcessOfAnOriginBeginsItsNumbersAnew(t *testing.T) {
	s := newStage(t)
	s.publish(1, 0, 1)
	again := message.Message{Kind: message.Publish, Term: 5, Topic: "t", Number: 1, Offset: 1}
	s.Receive(0, 1, 2, &again)
	s.publish(2, 1, 1) // of the old process
	s.take(t, "1 answer 1: e1:1, 0 got it", "1 answer 1: e1:2, 0 got it")
}

func TestHome_AtMostAWindowIsOnItsWayToANode(t *testing.T) {
	s := newStage(t)
	s.attach(2, "", 0)
	s.confirm(2, 0, 0)
	s.did = nil
	for n := range uint64(window + 5) {
		s.publish(n+1, n, 1)
	}
	if len(s.did) != window {
		t.Fatalf("%d events were sent", len(s.did))
	}
	s.did = nil
	s.confirm(2, 1, 7)
	s.take(t, "2 event t e1:257 is 257", "1 answer 1: e1:1, 7 got it")
}

func TestHome_WhatIsNotKeptIsCalledLost(t *testing.T) {
	s := newStage(t)
	s.attach(2, "", 0) // it confirms nothing, so nobody waits for it
	for n := range uint64(2*window + 1) {
		s.publish(n+1, n, n+1)
	}
	s.did = nil
	s.publish(2*window+2, 0, 2*window+2)
	s.take(t, "2 attached t e1:514 lost", "1 answer 514: e1:514, 0 got it")
	s.rejoin(2, 1)
	s.confirm(2, 1, 0) // it does not know of the loss yet
	s.tick(0)
	s.take(t)
	s.confirm(2, 514, 0)
	s.tick(0)
	s.take(t, "propose 2 false")
}

func TestHome_ANodeInSyncNeverLosesAnEventWhosePublisherWaits(t *testing.T) {
	s := newStage(t, 2)
	s.attach(2, "", 0)
	s.rejoin(2, 1)
	for n := range uint64(3 * window) {
		s.publish(n+1, n, 1)
	}
	for n := range uint64(3 * window) {
		s.confirm(2, n+1, 1)
	}
	if i := slices.IndexFunc(s.did, func(d string) bool { return strings.HasSuffix(d, "lost") }); i >= 0 {
		t.Errorf("the home said %q", s.did[i])
	}
	if want := "1 answer 768: e1:768, 1 got it"; s.did[len(s.did)-1] != want {
		t.Errorf("the home did %q at last", s.did[len(s.did)-1])
	}
}

func TestHome_EventsOfAllTopicsHaveABound(t *testing.T) {
	s := newStage(t)
	body := make([]byte, keepBytes/2)
	for n := range uint64(3 * keepAll / keepBytes) {
		s.from(1, message.Message{
			Kind: message.Publish, Topic: fmt.Sprint("t", n%200), Number: n + 1, Count: n, Offset: 1, Body: body,
		})
	}
	if s.kept > keepAll || s.kept < keepAll/2 {
		t.Errorf("%d bytes are kept", s.kept)
	}
}

func TestHome_TooManyPublishesBeforeItOpensAreIgnored(t *testing.T) {
	s := newStage(t, 2)
	for n := range uint64(maxEarly + 10) {
		s.publish(n+1, n, 1)
	}
	if len(s.early) != maxEarly {
		t.Errorf("%d publishes wait", len(s.early))
	}
	if maxEarly < entry.MaxWaiting {
		t.Error("a node alone can fill what waits")
	}
}

func TestHome_ATopicThatNobodyUsesIsForgotten(t *testing.T) {
	s := newStage(t)
	s.publish(1, 0, 1)
	s.from(1, message.Message{Kind: message.Publish, Topic: "u", Number: 2, Count: 1, Offset: 1, Body: []byte("x")})
	s.from(2, message.Message{Kind: message.Attach, Topic: "u"})
	s.Extend(0, 2*time.Hour)
	s.tick(idleAfter)
	if len(s.topics) != 1 || s.topics["u"] == nil || s.kept != 1 {
		t.Errorf("%d topics and %d bytes are left", len(s.topics), s.kept)
	}
}

func TestHome_StrangersAndOtherTermsAreIgnored(t *testing.T) {
	s := newStage(t)
	s.attach(9, "", 0)
	s.Receive(0, 2, 1, &message.Message{Kind: message.Attach, Term: 4, Topic: "t"})
	s.Again(0, 9, false)
	s.Silent(0, 9, true)
	s.Agreed(0, Change{9, false})
	s.confirm(2, 1, 1)
	s.take(t)
}

func TestHome_ANodeIsNotInSyncBeforeItHasWhatWasAnsweredWhileItCaughtUp(t *testing.T) {
	s := newStage(t)
	s.attach(2, "", 0)
	s.rejoin(2, 1)
	s.publish(1, 0, 1)
	s.did = nil
	s.confirm(2, 0, 0) // the answer to its question is there; from now on publishes wait for it
	s.tick(0)
	s.publish(2, 0, 2)
	s.take(t, "2 event t e1:2 is 2")
	s.confirm(2, 1, 1)
	s.tick(0)
	s.take(t, "propose 2 false")
}
