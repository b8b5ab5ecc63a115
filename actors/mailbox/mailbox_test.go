package mailbox

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/protocol"
)

// worker is the actor of a mailbox: it calls do for every user message.
type worker struct {
	do       func(any)
	system   []any
	failed   []any
	restarts int // how many Restarted it got
}

func (w *worker) InvokeUserMessage(m any) {
	if _, ok := m.(Restarted); ok {
		w.restarts++
		return
	}
	w.do(m)
}
func (w *worker) InvokeSystemMessage(m any)   { w.system = append(w.system, m) }
func (w *worker) EscalateFailure(_, what any) { w.failed = append(w.failed, what) }

// letter is a Refusable message.
type letter struct {
	n       int
	refused *atomic.Pointer[protocol.Refusal]
}

func (l letter) Refuse(err *protocol.Refusal) { l.refused.Store(err) }

func newLetter(n int) letter { return letter{n, new(atomic.Pointer[protocol.Refusal])} }

func newMailbox(limit int) *Mailbox {
	m := &Mailbox{}
	m.Init(limit)
	return m
}

func boxFor(limit int, w *worker) *Mailbox {
	m := newMailbox(limit)
	m.RegisterHandlers(w, actor.NewDefaultDispatcher(300))
	return m
}

func TestMailbox_ItsBoundTellsTheSenderAndSendUnboundedGoesOverIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled []int
		m := boxFor(3, &worker{do: func(x any) { handled = append(handled, x.(letter).n) }})
		m.PostSystemMessage(&actor.SuspendMailbox{})
		var letters []letter
		for i := range 5 {
			letters = append(letters, newLetter(i))
			m.Send(letters[i])
		}
		for i, l := range letters {
			err := l.refused.Load()
			if (err != nil) != (i >= 3) || err != nil && (err.Reason != protocol.Busy || err.RetryAfter == 0) {
				t.Errorf("letter %d: %v", i, err)
			}
		}
		m.SendUnbounded(newLetter(5))
		synctest.Wait()
		if len(handled) != 0 || m.UserMessageCount() != 4 || m.empty() {
			t.Errorf("while suspended: handled %v, %d wait", handled, m.UserMessageCount())
		}
		m.PostSystemMessage(&actor.ResumeMailbox{})
		synctest.Wait()
		if len(handled) != 4 || handled[3] != 5 || !m.empty() {
			t.Errorf("handled %v", handled)
		}
		if m.user.rest != nil || m.user.first != nil || m.system != nil {
			t.Error("an empty mailbox holds a queue")
		}
	})
}

func TestMailbox_RefusesWaitingAndLaterMessagesWhenItStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := boxFor(10, &worker{do: func(any) { t.Error("handled") }})
		m.PostSystemMessage(&actor.SuspendMailbox{})
		before, plain, after := newLetter(1), "cannot be refused", newLetter(2)
		m.Send(before)
		m.Send(plain)
		m.Close(errStopped)
		m.Send(after)
		m.SendUnbounded(plain)
		for _, l := range []letter{before, after} {
			if l.refused.Load() != errStopped {
				t.Errorf("letter %d: %v", l.n, l.refused.Load())
			}
		}
		if m.UserMessageCount() != 0 {
			t.Error("a closed mailbox holds messages")
		}
	})
}

func TestMailbox_SystemMessagesOvertakeAndAPanicIsEscalatedWithItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []any
		w := &worker{}
		m := boxFor(10, w)
		w.do = func(x any) {
			order = append(order, x)
			if x == "first" {
				m.PostSystemMessage(&actor.Restart{})
				panic("a test")
			}
		}
		m.PostSystemMessage(&actor.SuspendMailbox{})
		m.Send("first")
		m.Send("second")
		m.PostSystemMessage(&actor.ResumeMailbox{})
		synctest.Wait()
		if len(w.failed) != 1 || w.failed[0] != "first" || len(w.system) != 1 || len(order) != 2 || w.restarts != 1 {
			t.Errorf("failed %v, system %v, order %v", w.failed, w.system, order)
		}
	})
}

// A publisher may do the work of an idle actor whose answer it would wait for.
func TestMailbox_RunInlineHandlesOneMessageAndAGoroutineTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled []int
		var m *Mailbox
		gate, w := make(chan struct{}), &worker{}
		w.do = func(x any) {
			n := x.(letter).n
			if n == 0 {
				<-gate
			}
			if handled = append(handled, n); n == 1 {
				m.Send(newLetter(2))
				m.Send(newLetter(3))
				if m.claim(newLetter(4)) != nil {
					t.Error("an actor was claimed while it handled a message")
				}
				panic("one")
			}
		}
		m = boxFor(10, w)
		idle := m.claim(newLetter(1))
		if idle != m || len(handled) != 0 {
			t.Fatalf("an idle actor was not claimed: %v, handled %v", idle, handled)
		}
		m.Send(newLetter(0)) // the actor is claimed, so nobody else runs it
		synctest.Wait()
		if len(handled) != 0 {
			t.Fatalf("handled %v before RunInline", handled)
		}
		idle.RunInline() // does not wait for the next message
		synctest.Wait()
		if len(handled) != 1 || len(w.failed) != 1 {
			t.Errorf("inline: handled %v, failed %v", handled, w.failed)
		}
		close(gate)
		synctest.Wait()
		if len(handled) != 5 || !m.empty() {
			t.Errorf("handled %v", handled)
		}
		m.dedicated = true
		if m.claim(newLetter(5)) != nil {
			t.Error("a dedicated actor was claimed")
		}
		synctest.Wait()
		if len(handled) != 6 {
			t.Errorf("handled %v", handled)
		}
		var nobody *Mailbox
		nobody.RunInline()
	})
}

// A message that is sent before the actor is there waits for it: a socket may deliver messages before its actor starts.
func TestMailbox_TakesMessagesBeforeItsActorIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled atomic.Int64
		m := newMailbox(10)
		for range 5 {
			go m.SendUnbounded("early")
		}
		go m.RegisterHandlers(&worker{do: func(any) { handled.Add(1) }}, actor.NewDefaultDispatcher(300))
		synctest.Wait()
		m.PostSystemMessage(&actor.Started{})
		synctest.Wait()
		if handled.Load() != 5 {
			t.Errorf("%d of 5 were handled", handled.Load())
		}
	})
}

// A lost wake-up would leave messages in the mailbox with no goroutine to handle them.
func TestMailbox_LosesNoWakeUpAndKeepsTheOrderOfEachSender(t *testing.T) {
	const senders, each = 8, 5000
	var handled atomic.Int64
	done := make(chan struct{})
	var next [senders]int
	m := boxFor(1<<30, &worker{do: func(x any) {
		n := x.(int)
		if next[n/each] != n%each {
			t.Errorf("sender %d: %d came where %d was due", n/each, n%each, next[n/each])
		}
		next[n/each]++
		if handled.Add(1) == senders*each {
			close(done)
		}
	}})
	for s := range senders {
		go func() {
			for i := range each {
				m.Send(s*each + i)
			}
		}()
	}
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatalf("%d of %d were handled", handled.Load(), senders*each)
	}
}

func TestMailbox_QueueAgreesWithASlice(t *testing.T) {
	var q queue
	var want []int
	for i := range 100_000 {
		if i%7 < 4 && i%1000 < 900 || len(want) == 0 {
			q.push(i)
			want = append(want, i)
		} else {
			if got := q.pop(); got != want[0] {
				t.Fatalf("popped %v, want %d", got, want[0])
			}
			want = want[1:]
		}
		if q.len() != len(want) {
			t.Fatalf("length %d, want %d", q.len(), len(want))
		}
	}
	for range want {
		q.pop()
	}
	if q.len() != 0 || q.rest != nil {
		t.Error("an empty queue keeps its ring")
	}
}

func TestReply_AnAnswerThatComesTooLateIsNotTakenAndGiveSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReply[int]()
		got := make(chan *protocol.Refusal, 1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		go func() {
			_, err := r.Wait(ctx)
			got <- err
		}()
		time.Sleep(2 * time.Second)
		if err := <-got; err != ErrBusy {
			t.Errorf("waited in vain and got %v", err)
		}
		if r.Give(1, nil) {
			t.Error("an answer was taken that nobody waits for")
		}
		var nobody Reply[int]
		if nobody.Give(1, nil) {
			t.Error("the zero reply took an answer")
		}
		// Either the answer is taken and waited for, or neither.
		for range 1000 {
			r := NewReply[int]()
			taken := make(chan bool, 1)
			ctx, cancel := context.WithCancel(context.Background())
			go cancel()
			go func() { taken <- r.Give(7, nil) }()
			value, err := r.Wait(ctx)
			if ok := <-taken; ok != (err == nil && value == 7) {
				t.Fatalf("Give says %v, Wait says %d, %v", ok, value, err)
			}
		}
	})
}

var errStopped = &protocol.Refusal{Reason: protocol.Draining}
