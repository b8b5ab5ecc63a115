package history

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Bounds say how many events are retained. A zero Count or Bytes retains none; with a zero Age they do not expire.
type Bounds struct {
	Count int
	Bytes int
	Age   time.Duration
}

// Memory is a history that ends with its process. None of its methods blocks.
type Memory struct {
	bounds Bounds
	epoch  string
	newest uint64
	bytes  int
	// ring holds the entries with offsets newest-count+1 .. newest, the oldest at from.
	ring  []retained
	from  int
	count int
}

type retained struct {
	event *protocol.Event
	at    time.Time
}

// NewMemory makes an empty history. It takes up no memory until an event is appended.
func NewMemory(b Bounds) *Memory { return &Memory{bounds: b} }

// SetBounds gives the history other bounds. Events that do not fit them are dropped at the next Append.
func (m *Memory) SetBounds(b Bounds) { m.bounds = b }

// InEpoch sets the epoch of the positions that Add and Position return, and returns the history.
func (m *Memory) InEpoch(epoch string) *Memory {
	m.epoch = epoch
	return m
}

// Add implements History; done is called before it returns.
func (m *Memory) Add(ev *protocol.Event, _ bool, now time.Time, done func(Outcome)) {
	m.Append(ev, now)
	done(Outcome{Position: m.Position()})
}

// Position implements History.
func (m *Memory) Position() protocol.Position {
	return protocol.Position{Epoch: m.epoch, Offset: m.newest}
}

// Settle implements History: an event is settled when Add returns.
func (m *Memory) Settle(Outcome) {}

// Read implements History.
func (m *Memory) Read(offset uint64, limit int, now time.Time) ([]Entry, error) {
	entries, ok := m.After(offset, limit, now)
	if !ok {
		return nil, ErrLost
	}
	return entries, nil
}

// Append appends the event and returns its offset.
func (m *Memory) Append(ev *protocol.Event, now time.Time) uint64 {
	m.newest++
	if m.bounds.Count <= 0 || size(ev) > m.bounds.Bytes {
		m.forget(m.count)
		return m.newest
	}
	m.expire(now)
	if m.count >= m.bounds.Count {
		m.forget(m.count - m.bounds.Count + 1)
	}
	for m.bytes+size(ev) > m.bounds.Bytes {
		m.forget(1)
	}
	if m.count == len(m.ring) {
		m.grow()
	}
	m.ring[(m.from+m.count)%len(m.ring)] = retained{ev, now}
	m.count++
	m.bytes += size(ev)
	return m.newest
}

// Halve drops the older half.
func (m *Memory) Halve() { m.forget(m.count - m.count/2) }

// Newest is the offset of the newest event, 0 if there was none.
func (m *Memory) Newest() uint64 { return m.newest }

// Len is how many events are retained at the time.
func (m *Memory) Len(now time.Time) int {
	m.expire(now)
	return m.count
}

// After returns at most limit events behind offset, oldest first. ok is false if some of them are no longer retained,
// or if offset lies in the future: then the caller has lost its position.
func (m *Memory) After(offset uint64, limit int, now time.Time) (entries []Entry, ok bool) {
	m.expire(now)
	oldest := m.newest - uint64(m.count) // the newest offset that is not retained
	if offset > m.newest || offset < oldest {
		return nil, false
	}
	for i := int(offset - oldest); i < m.count && len(entries) < limit; i++ {
		at := (m.from + i) % len(m.ring)
		entries = append(entries, Entry{Offset: oldest + uint64(i) + 1, Event: m.ring[at].event})
	}
	return entries, true
}

// Oldest is the oldest offset from which After can answer: all later events are retained.
func (m *Memory) Oldest(now time.Time) uint64 {
	m.expire(now)
	return m.newest - uint64(m.count)
}

func (m *Memory) expire(now time.Time) {
	if m.bounds.Age <= 0 {
		return
	}
	for m.count > 0 && now.Sub(m.ring[m.from].at) > m.bounds.Age {
		m.forget(1)
	}
}

func (m *Memory) forget(n int) {
	for range n {
		m.bytes -= size(m.ring[m.from].event)
		m.ring[m.from] = retained{}
		m.from = (m.from + 1) % len(m.ring)
		m.count--
	}
	if m.count == 0 {
		m.ring, m.from = nil, 0
	}
}

func (m *Memory) grow() {
	room := min(max(4, 2*len(m.ring)), m.bounds.Count)
	ring := make([]retained, room)
	for i := range m.count {
		ring[i] = m.ring[(m.from+i)%len(m.ring)]
	}
	m.ring, m.from = ring, 0
}

// size is what an event counts against Bounds.Bytes: its data and what surrounds it in memory.
func size(ev *protocol.Event) int { return len(ev.Data) + 256 }
