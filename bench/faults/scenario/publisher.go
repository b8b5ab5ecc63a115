package scenario

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// Lane is the distance between the numbers of two publishers to one topic.
const PublisherStride = 1_000_000_000

// Source publishes to a device's topic and takes down what was sent and what was acknowledged.
type Publisher struct {
	Device string
	// Publishers publish side by side, each as fast as it is answered or Rate times a second.
	Publishers int
	Rate       float64
	// Pad is how many letters are added to an event.
	Pad int
	// Stubborn lets publishers go on after an error, a little later; else the first one that is no refusal ends them.
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

// Start begins to publish, or goes on after Stop.
func (s *Publisher) Start(at *server.Server) *Publisher {
	if s.Refused == nil {
		s.Refused, s.last = map[int]int{}, make([]uint64, s.Publishers)
	}
	s.server, s.stop = at, make(chan struct{})
	for i := range s.Publishers {
		s.publishing.Go(func() { s.publish(i) })
	}
	return s
}

// Acked is how many publishes were acknowledged. Any goroutine may ask.
func (s *Publisher) Acked() int64 { return s.acked.Load() }

// Turned is how many answers had a status so far. Any goroutine may ask.
func (s *Publisher) Responses(status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Refused[status]
}

// Stop ends publishing and waits for the last answers.
func (s *Publisher) Stop() {
	close(s.stop)
	s.publishing.Wait()
}

func (s *Publisher) publish(lane int) {
	next := time.Now()
	for {
		if s.Rate > 0 {
			next = next.Add(time.Duration(float64(time.Second) / s.Rate))
		}
		if !s.pause(time.Until(next)) {
			return
		}
		s.last[lane]++
		number := uint64(lane)*PublisherStride + s.last[lane]
		began := time.Now()
		ack, err := s.server.Publish(s.Device, number, s.Pad)
		s.record(number, ack, time.Since(began), err)
		if err != nil && !(s.Stubborn && s.pause(20*time.Millisecond)) && server.Status(err) == 0 {
			return
		}
	}
}

// pause waits, and reports whether to go on.
func (s *Publisher) pause(d time.Duration) bool {
	if d <= 0 {
		select {
		case <-s.stop:
			return false
		default:
			return true
		}
	}
	select {
	case <-s.stop:
		return false
	case <-time.After(d):
		return true
	}
}

func (s *Publisher) record(number uint64, ack checker.Ack, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Sent = append(s.Sent, number)
	if err != nil {
		s.Refused[server.Status(err)]++
		return
	}
	s.Acks = append(s.Acks, ack)
	s.Slowest = max(s.Slowest, took)
	s.acked.Add(1)
}

// Story is the topic as the checker reads it.
func (s *Publisher) Topic(readers []checker.Reader, record *checker.Record) *checker.Topic {
	return &checker.Topic{Name: server.Topic(s.Device), Sent: s.Sent, Acks: s.Acks, Readers: readers, Record: record}
}
