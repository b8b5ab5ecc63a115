// Package entry keeps the publishes that a node took from its clients until the homes of their topics have answered.
//
// A [Queue] is what waits for one slot. When the slot gets another home, or frames on the way to it or back were lost,
// the queue sends all again, in order. So a publisher whose home dies sees a slow answer and no error. A home drops the
// repetitions that it knows, and relays those that an earlier home delivered (packages home and relay).
//
// A queue holds at most [MaxWaiting] publishes and [MaxBytes]; the next one is refused. A publish waits until its
// deadline, and then its publisher is told that the outcome is unknown.
//
// It is a state machine without goroutines and clock; actors/cluster/sim drives it, and nothing else until a node does.
package entry

import (
	"errors"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

// Bounds of a queue.
const (
	MaxWaiting = 1024
	MaxBytes   = 1 << 20 // of events

	// maxSpan is how many publishes may be newer than the oldest that waits: a home keeps their answers.
	maxSpan = 4 * MaxWaiting
)

// ErrFull is the error of a publish for which the queue has no room.
var ErrFull = errors.New("too many publishes wait for the home of the topic")

// Queue has the publishes to one slot. It has one owner and no lock.
type Queue struct {
	slot    uint64
	send    func(to message.Node, m *message.Message) // static, as the slot
	term    uint64
	home    message.Node // 0 if none is known
	newest  uint64
	waiting []publish // by number
	bytes   int
}

type publish struct {
	number   uint64
	topic    string
	body     []byte
	deadline time.Duration
}

// NewQueue makes an empty queue. send must not keep the message.
func NewQueue(slot uint64, send func(to message.Node, m *message.Message)) *Queue {
	return &Queue{slot: slot, send: send}
}

// Publish queues an event and sends it if the home is known. It returns the number by which [Queue.Answer] and
// [Queue.Expire] name it; numbers rise. body is kept. The error is ErrFull.
func (q *Queue) Publish(topic string, body []byte, deadline time.Duration) (uint64, error) {
	full := len(q.waiting) >= MaxWaiting || q.bytes+len(body) > MaxBytes
	if full || len(q.waiting) > 0 && q.newest-q.waiting[0].number >= maxSpan {
		return 0, ErrFull
	}
	q.newest++
	q.bytes += len(body)
	q.waiting = append(q.waiting, publish{q.newest, topic, body, deadline})
	if q.home != 0 {
		q.pass(len(q.waiting) - 1)
	}
	return q.newest, nil
}

// pass sends the publish at an index to the home.
func (q *Queue) pass(i int) {
	p := &q.waiting[i]
	m := message.Message{
		Kind: message.Publish, Slot: q.slot, Term: q.term,
		Topic: p.topic, Offset: q.waiting[0].number, Number: p.number, Body: p.body,
	}
	if i > 0 {
		m.Count = q.waiting[i-1].number
	}
	q.send(q.home, &m)
}

// Leads takes note of a home, and sends it all that waits. That of an older term is ignored.
func (q *Queue) Leads(home message.Node, term uint64) {
	if term < q.term {
		return
	}
	q.home, q.term = home, term
	for i := range q.waiting {
		q.pass(i)
	}
}

// Answer takes the answer to a publish off the queue. known is false for one that does not wait any more.
func (q *Queue) Answer(number uint64) (known bool) {
	for i := range q.waiting {
		if q.waiting[i].number == number {
			q.bytes -= len(q.waiting[i].body)
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// Expire takes the publishes off whose deadline has passed, and returns their numbers.
func (q *Queue) Expire(now time.Duration) (numbers []uint64) {
	for i := 0; i < len(q.waiting); {
		if p := &q.waiting[i]; p.deadline <= now {
			numbers = append(numbers, p.number)
			q.Answer(p.number)
		} else {
			i++
		}
	}
	return numbers
}
