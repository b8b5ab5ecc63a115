package actors

import (
	"runtime/debug"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/protocol"
)

// refusable is a message whose sender wants to know when it will not be handled: because the mailbox is full, because
// the actor ended with the message still in it, or because handling it failed.
type refusable interface{ refuse(why *protocol.Refusal) }

// mailbox is the queue of one actor. It is bounded and tells the sender, which none of protoactor's own does; empty, it
// holds no buffer (protoactor's default keeps 232 bytes in each).
//
// Of system messages only the lifecycle is known: they overtake and are not bounded, since protoactor sends at most a
// handful per actor.
type mailbox struct {
	limit int // static

	mu         sync.Mutex
	invoker    actor.MessageInvoker // static after RegisterHandlers, as are these; before it, messages wait
	dispatcher actor.Dispatcher
	wake       func()

	user      queue
	system    []any
	running   bool              // a goroutine is in run
	suspended bool              // between a failure and the restart
	closed    *protocol.Refusal // why nothing is taken any more; nil while it is
}

func newMailbox(limit int) *mailbox { return &mailbox{limit: limit} }

// RegisterHandlers implements actor.Mailbox.
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.invoker, m.dispatcher, m.wake = invoker, dispatcher, m.run
}

// Start implements actor.Mailbox.
func (m *mailbox) Start() {}

// UserMessageCount implements actor.Mailbox.
func (m *mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.user.len()
}

// PostUserMessage implements actor.Mailbox.
func (m *mailbox) PostUserMessage(msg any) { m.send(msg) }

// send queues a message; one that does not fit is refused.
func (m *mailbox) send(msg any) {
	m.post(msg, m.limit)
}

// force queues a message over the limit. It is for what is bounded elsewhere: facts that come once per connection, and
// events whose publishers wait.
func (m *mailbox) force(msg any) {
	m.post(msg, int(^uint(0)>>1))
}

func (m *mailbox) post(msg any, limit int) {
	m.mu.Lock()
	var why *protocol.Refusal
	switch {
	case m.closed != nil:
		why = m.closed
	case m.user.len() >= limit:
		why = errBusy
	default:
		m.user.push(msg)
	}
	start := why == nil && m.startable()
	m.mu.Unlock()
	if start {
		m.dispatcher.Schedule(m.wake)
	}
	if r, ok := msg.(refusable); ok && why != nil {
		r.refuse(why)
	}
}

// PostSystemMessage implements actor.Mailbox.
func (m *mailbox) PostSystemMessage(msg any) {
	m.mu.Lock()
	m.system = append(m.system, msg)
	start := m.startable()
	m.mu.Unlock()
	if start {
		m.dispatcher.Schedule(m.wake)
	}
}

// startable reports whether a goroutine has to be started, and if so books it. The caller holds the lock.
func (m *mailbox) startable() bool {
	if m.running || m.invoker == nil {
		return false
	}
	m.running = len(m.system) > 0 || (m.user.len() > 0 && !m.suspended)
	return m.running
}

// run handles what waits and ends when nothing does.
func (m *mailbox) run() {
	for {
		msg, system := m.next()
		if msg == nil {
			return
		}
		m.invoke(msg, system)
	}
}

// next takes the message to handle now. nil ends the run.
func (m *mailbox) next() (msg any, system bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.system) > 0 {
		msg = m.system[0]
		if m.system = m.system[1:]; len(m.system) == 0 {
			m.system = nil
		}
		switch msg.(type) {
		case *actor.SuspendMailbox:
			m.suspended = true
		case *actor.ResumeMailbox:
			m.suspended = false
		default:
			return msg, true
		}
	}
	if !m.suspended && m.user.len() > 0 {
		return m.user.pop(), false
	}
	m.running = false
	return nil, false
}

// invoke handles one message; a panic goes to the supervisor.
func (m *mailbox) invoke(msg any, system bool) {
	defer func() {
		if cause := recover(); cause != nil {
			m.invoker.EscalateFailure(failure{cause: cause, stack: debug.Stack()}, msg)
		}
	}()
	if system {
		m.invoker.InvokeSystemMessage(msg)
		return
	}
	m.invoker.InvokeUserMessage(msg)
}

// empty reports whether no user message waits.
func (m *mailbox) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.user.len() == 0
}

// close refuses what waits and what comes. The actor calls it when it has stopped.
func (m *mailbox) close(why *protocol.Refusal) {
	m.mu.Lock()
	m.closed = why
	left := m.user
	m.user = queue{}
	m.mu.Unlock()
	for left.len() > 0 {
		if r, ok := left.pop().(refusable); ok {
			r.refuse(why)
		}
	}
}

// queue is a ring that grows by doubling. The first message of an empty queue needs no ring, and an empty queue keeps none.
type queue struct {
	first any // the oldest, if it came while the queue was empty
	ring  []any
	from  int
	n     int // in the ring
}

func (q *queue) len() int {
	if q.first != nil {
		return q.n + 1
	}
	return q.n
}

func (q *queue) push(x any) {
	if q.first == nil && q.n == 0 {
		q.first = x
		return
	}
	if q.n == len(q.ring) {
		ring := make([]any, max(4, 2*len(q.ring)))
		for i := range q.n {
			ring[i] = q.ring[(q.from+i)%len(q.ring)]
		}
		q.ring, q.from = ring, 0
	}
	q.ring[(q.from+q.n)%len(q.ring)] = x
	q.n++
}

func (q *queue) pop() any {
	if x := q.first; x != nil {
		q.first = nil
		return x
	}
	x := q.ring[q.from]
	q.ring[q.from] = nil
	q.from = (q.from + 1) % len(q.ring)
	if q.n--; q.n == 0 {
		q.ring, q.from = nil, 0
	}
	return x
}
