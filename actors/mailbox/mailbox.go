package mailbox

import (
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/protocol"
)

// Refusable is a message whose sender wants to know when it will not be handled: because the mailbox is full, because
// the actor ended with the message still in it, or because handling it failed.
type Refusable interface{ Refuse(why *protocol.Refusal) }

// mailbox is the queue of one actor, and part of it. It is bounded and tells the sender, which none of protoactor's own
// does; empty, it holds no buffer (protoactor's default keeps 232 bytes in each).
//
// Of system messages only the lifecycle is known: they overtake and are not bounded, since protoactor sends at most a
// handful per actor.
type Mailbox struct {
	mu      sync.Mutex
	invoker actor.MessageInvoker // static after RegisterHandlers, as is wake; before it, messages wait
	wake    func()

	user      queue
	system    *queue            // nil while it is empty, which is nearly always
	closed    *protocol.Refusal // why nothing is taken any more; nil while it is
	limit     int32             // static
	running   bool              // a goroutine is in run or turn, or about to be
	suspended bool              // between a failure and the restart
	restarted bool              // the actor has not been told of its restart yet
	dedicated bool              // it is never lent; owned by who runs the actor
	handled   uint32            // messages taken, over and over; for the watchdog, as is at
	current   reflect.Type      // of the last of them
}

// restarted is the first message of an actor after it failed.
type Restarted struct{}

// Init sets how many messages may wait. It comes before any other call.
func (m *Mailbox) Init(limit int) { m.limit = int32(limit) }

// Dedicate says whether the actor always has a goroutine of its own, and is never run by a publisher. The actor itself
// calls it, or nobody else can yet.
func (m *Mailbox) Dedicate(to bool) { m.dedicated = to }

// ErrBusy refuses a message that found its mailbox full, and an answer that did not come in time.
var ErrBusy = &protocol.Refusal{Reason: protocol.Busy, Detail: "too much waits; try again", RetryAfter: time.Second}

// RegisterHandlers implements actor.Mailbox. Dispatchers are not used: an actor that has something to do has a goroutine
// of its own, since it may wait, or that of a publisher (turn).
func (m *Mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.invoker, m.wake = invoker, m.run
}

// Start implements actor.Mailbox.
func (m *Mailbox) Start() {}

// pid is the actor whose mailbox it is.
func (m *Mailbox) pid() *actor.PID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.invoker.(actor.Context).Self() // what invokes is the actor's context
}

// UserMessageCount implements actor.Mailbox.
func (m *Mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.user.len()
}

// PostUserMessage implements actor.Mailbox.
func (m *Mailbox) PostUserMessage(msg any) { m.Send(msg) }

// send queues a message; one that does not fit is refused.
func (m *Mailbox) Send(msg any) {
	m.post(msg, int(m.limit))
}

// force queues a message over the limit. It is for what is bounded elsewhere: facts that come once per connection, and
// events whose publishers wait.
func (m *Mailbox) SendUnbounded(msg any) {
	m.post(msg, int(^uint(0)>>1))
}

func (m *Mailbox) post(msg any, limit int) {
	if m.put(msg, limit) {
		go m.wake()
	}
}

// put queues a message, and reports whether the caller has to see to it that the actor runs: it is booked.
func (m *Mailbox) put(msg any, limit int) (start bool) {
	m.mu.Lock()
	var err *protocol.Refusal
	switch {
	case m.closed != nil:
		err = m.closed
	case m.user.len() >= limit:
		err = ErrBusy
	default:
		m.user.push(msg)
	}
	start = err == nil && m.startable()
	m.mu.Unlock()
	if refusable, ok := msg.(Refusable); ok && err != nil {
		refusable.Refuse(err)
	}
	return start
}

// lend is send by who is going to wait for the answer, and may as well do the actor's work: if the actor has nothing to do, it is not
// started but returned, and the caller calls turn once it holds no lock.
func (m *Mailbox) claim(msg any) (idle *Mailbox) {
	if !m.put(msg, int(m.limit)) {
		return nil
	}
	if m.dedicated {
		go m.wake()
		return nil
	}
	return m
}

// turn handles one message on the caller's goroutine. What else waits by then gets a goroutine, so that nobody works for others. It
// saves that goroutine, its stack, and threads that wake each other: with 10,000 topics of one subscriber each, 2.8 instead of 4.8
// futex calls for an event (2 cores, 2026-11-21).
func (m *Mailbox) RunInline() {
	if m == nil {
		return
	}
	if msg, system := m.next(); msg != nil {
		m.invoke(msg, system)
		if m.more() {
			go m.wake()
		}
	}
}

// more reports whether something waits; if not, the run has ended.
func (m *Mailbox) more() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = m.system != nil || !m.suspended && (m.restarted || m.user.len() > 0)
	return m.running
}

// PostSystemMessage implements actor.Mailbox.
func (m *Mailbox) PostSystemMessage(msg any) {
	m.mu.Lock()
	if m.system == nil {
		m.system = &queue{}
	}
	m.system.push(msg)
	start := m.startable()
	m.mu.Unlock()
	if start {
		go m.wake()
	}
}

// startable reports whether a goroutine has to be started, and if so books it. The caller holds the lock.
func (m *Mailbox) startable() bool {
	if m.running || m.invoker == nil {
		return false
	}
	m.running = m.system != nil || (m.user.len() > 0 && !m.suspended)
	return m.running
}

// run handles what waits and ends when nothing does.
func (m *Mailbox) run() {
	for {
		msg, system := m.next()
		if msg == nil {
			return
		}
		m.invoke(msg, system)
	}
}

// next takes the message to handle now. nil ends the run.
func (m *Mailbox) next() (msg any, system bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.system != nil {
		msg = m.system.pop()
		if m.system.len() == 0 {
			m.system = nil
		}
		switch msg.(type) {
		case *actor.SuspendMailbox:
			m.suspended = true
		case *actor.ResumeMailbox:
			m.restarted, m.suspended = m.suspended, false
		default:
			return msg, true
		}
	}
	if m.restarted && !m.suspended {
		m.restarted = false
		return Restarted{}, false
	}
	if !m.suspended && m.user.len() > 0 {
		msg = m.user.pop()
		m.handled, m.current = m.handled+1, reflect.TypeOf(msg)
		return msg, false
	}
	m.running = false
	return nil, false
}

// invoke handles one message; a panic goes to the supervisor.
func (m *Mailbox) invoke(msg any, system bool) {
	defer func() {
		if cause := recover(); cause != nil {
			m.invoker.EscalateFailure(actorPanic{cause: cause, stack: debug.Stack()}, msg)
		}
	}()
	if system {
		m.invoker.InvokeSystemMessage(msg)
		return
	}
	m.invoker.InvokeUserMessage(msg)
}

// occupation tells which of its messages an actor is in, of which type, and how many wait behind it; none if it is in none.
func (m *Mailbox) Occupation() (nth uint32, at string, waiting int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.running || m.current == nil || m.user.len() == 0 {
		return 0, "", 0
	}
	return m.handled, m.current.Name(), m.user.len()
}

// empty reports whether no user message waits.
func (m *Mailbox) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.user.len() == 0
}

// close refuses what waits and what comes. The actor calls it when it has stopped.
func (m *Mailbox) Close(err *protocol.Refusal) {
	m.mu.Lock()
	m.closed = err
	left := m.user
	m.user = queue{}
	m.mu.Unlock()
	for left.len() > 0 {
		if refusable, ok := left.pop().(Refusable); ok {
			refusable.Refuse(err)
		}
	}
}
