package scenario

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// PublisherStride is the distance between the numbers of two publishers to one topic.
const PublisherStride = 1_000_000_000

// Publisher publishes to a device's topic and records what was sent and what the server acknowledged.
type Publisher struct {
	Device string
	// Publishers publish side by side, each as fast as it is answered or Rate times a second.
	Publishers int
	Rate       float64
	// Pad is how many letters are added to an event.
	Pad int
	// Stubborn lets publishers go on after an error, a little later; otherwise the first error that is no refusal ends
	// them.
	Stubborn bool

	// Sent and Acks are complete after Stop.
	Sent []uint64
	Acks []checker.Ack
	// Refused counts answers by status; 0 is those that did not come.
	Refused map[int]int
	// Slowest is the longest time that an acknowledgement took.
	Slowest time.Duration

	server     *server.Server
	mu         sync.Mutex // guards Sent to Slowest until Stop
	stop       chan struct{}
	publishing sync.WaitGroup
	last       []uint64 // numbers, by publisher
	acked      atomic.Int64
}

// Start begins to publish, or goes on after Stop. It does not block.
func (p *Publisher) Start(at *server.Server) *Publisher {
	if p.Refused == nil {
		p.Refused, p.last = map[int]int{}, make([]uint64, p.Publishers)
	}
	p.server, p.stop = at, make(chan struct{})
	for i := range p.Publishers {
		p.publishing.Go(func() { p.publish(i) })
	}
	return p
}

// Acked is how many publishes were acknowledged. Any goroutine may call it.
func (p *Publisher) Acked() int64 { return p.acked.Load() }

// Responses is how many answers had a status so far. Any goroutine may call it.
func (p *Publisher) Responses(status int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Refused[status]
}

// Stop ends publishing and blocks until the last answers have come.
func (p *Publisher) Stop() {
	close(p.stop)
	p.publishing.Wait()
}

func (p *Publisher) publish(lane int) {
	next := time.Now()
	for {
		if p.Rate > 0 {
			next = next.Add(time.Duration(float64(time.Second) / p.Rate))
		}
		if !p.pause(time.Until(next)) {
			return
		}
		p.last[lane]++
		number := uint64(lane)*PublisherStride + p.last[lane]
		began := time.Now()
		ack, err := p.server.Publish(p.Device, number, p.Pad)
		p.record(number, ack, time.Since(began), err)
		if err != nil && !(p.Stubborn && p.pause(20*time.Millisecond)) && server.Status(err) == 0 {
			return
		}
	}
}

// pause waits, and reports whether to go on.
func (p *Publisher) pause(d time.Duration) bool {
	if d <= 0 {
		select {
		case <-p.stop:
			return false
		default:
			return true
		}
	}
	select {
	case <-p.stop:
		return false
	case <-time.After(d):
		return true
	}
}

func (p *Publisher) record(number uint64, ack checker.Ack, took time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Sent = append(p.Sent, number)
	if err != nil {
		p.Refused[server.Status(err)]++
		return
	}
	p.Acks = append(p.Acks, ack)
	p.Slowest = max(p.Slowest, took)
	p.acked.Add(1)
}

// Topic is the topic as the checker reads it.
func (p *Publisher) Topic(readers []checker.Reader, record *checker.Record) *checker.Topic {
	return &checker.Topic{Name: server.Topic(p.Device), Sent: p.Sent, Acks: p.Acks, Readers: readers, Record: record}
}
