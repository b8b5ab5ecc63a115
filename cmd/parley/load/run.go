package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
)

// Report is what a run came to. Latencies of publishes and deliveries count from the moment when each event was to be
// published.
type Report struct {
	Dialect     string    `json:"dialect"`
	Clients     int       `json:"clients"`
	Connects    Latencies `json:"connects"` // until the server has let the client in
	Seconds     float64   `json:"seconds"`
	Published   int       `json:"published"`
	Failed      int       `json:"failed"`
	FirstError  string    `json:"first_error,omitempty"`
	PublishRate float64   `json:"published_per_second"`
	Publishes   Latencies `json:"publishes"`
	Deliveries  Latencies `json:"deliveries"`
	PerSecond   float64   `json:"deliveries_per_second"`
	Bytes       int64     `json:"delivered_bytes"`
	Missing     int64     `json:"missing"` // deliveries that did not come
	Broken      int64     `json:"broken"`  // connections that broke
	// Late is how late this program itself was to publish; where that is much, it was too slow for the plan.
	Late Latencies `json:"late"`
}

const (
	connecting = 64 // clients that connect at the same time
	publishers = 64 // publishes that wait for their answer at the same time

	// lastDeliveries is how long the last deliveries may take after the last publish.
	lastDeliveries = 5 * time.Second
	// allHear is how long it may take until all clients hear what is published.
	allHear = 30 * time.Second
)

// run is one run. Its counters are shared by all goroutines.
type run struct {
	Plan
	marks marks
	start atomic.Pointer[time.Time] // of the schedule; nil before

	connects, publishes, deliveries, late *recorder
	connected, hearing                    atomic.Int64
	delivered, bytes, broken              atomic.Int64
	published, failed                     atomic.Int64

	mu    sync.Mutex
	first error
}

// Run makes the plan's run. It blocks for as long as the plan says, and some seconds before and after. It fails if a
// client cannot connect or hears nothing of what is published.
func Run(ctx context.Context, p Plan) (Report, error) {
	r := &run{Plan: p, marks: newMarks(), connects: newRecorder(), publishes: newRecorder(), deliveries: newRecorder(),
		late: newRecorder()}
	r.API.HTTP = pooled(publishers)
	defer r.API.HTTP.CloseIdleConnections()
	inside, stop := context.WithCancel(ctx)
	var clients, reporting sync.WaitGroup
	defer reporting.Wait()
	defer clients.Wait()
	defer stop()
	phase := &atomic.Value{}
	phase.Store("connecting")
	reporting.Go(func() { r.report(inside, phase) })
	if err := r.connect(inside, &clients); err != nil {
		return Report{}, err
	}
	if err := r.untilAllHear(inside); err != nil {
		return Report{}, err
	}
	phase.Store("publishing")
	took := r.publishAll(inside)
	r.awaitLast(inside)
	return r.result(took), ctx.Err()
}

// connect connects all clients, some at a time, and returns when the server has let all in.
func (r *run) connect(ctx context.Context, clients *sync.WaitGroup) error {
	turn, in := make(chan struct{}, connecting), make(chan error, r.Clients)
	for i := range r.Clients {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		began, leave := time.Now(), sync.OnceFunc(func() { <-turn })
		clients.Go(func() {
			entered := false
			err := r.listen(ctx, i, func() {
				entered = true
				r.connects.add(i, time.Since(began))
				r.connected.Add(1)
				leave()
				in <- nil
			})
			leave()
			switch {
			case !entered:
				in <- fmt.Errorf("client %d of %d: %w", i+1, r.Clients, err)
			case ctx.Err() == nil:
				r.broken.Add(1)
				r.note(err)
			}
		})
	}
	for range r.Clients {
		select {
		case err := <-in:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// listen is one client, until the context ends or the connection does.
func (r *run) listen(ctx context.Context, i int, admitted func()) error {
	token, err := r.Token(i)
	if err != nil {
		return err
	}
	heard := false
	err = client.Listen(ctx, client.ListenOptions{Base: r.API.Base, Token: token, Topics: r.Topics, Dialect: r.Dialect,
		Client: r.Speaks, Raw: true, Admitted: admitted, Print: func(message []byte) error {
			number, ok := r.marks.find(message)
			if ok && !heard {
				heard = true
				r.hearing.Add(1)
			}
			if ok && number != warmUp {
				r.deliveries.add(i, time.Since(r.scheduled(number)))
				r.delivered.Add(1)
				r.bytes.Add(int64(len(message)))
			}
			return nil
		}})
	if err == nil && ctx.Err() == nil {
		err = errors.New("the server closed the connection")
	}
	return err
}

// scheduled is when an event was to be published.
func (r *run) scheduled(number int) time.Time {
	return r.start.Load().Add(time.Duration(float64(number-1) / r.Rate * float64(time.Second)))
}

// untilAllHear publishes now and then until all clients have heard something: a dialect asks for its topics after the
// server has let it in.
func (r *run) untilAllHear(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, allHear, errors.New("they hear nothing"))
	defer cancel()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		if _, err := r.publish(ctx, warmUp); err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d clients have heard what is published (do they ask for its topic, and has the "+
				"dialect words for its kind?): %w", r.hearing.Load(), r.Clients, context.Cause(ctx))
		}
		if r.hearing.Load() == int64(r.Clients) {
			return nil
		}
	}
}

// publish publishes an event.
func (r *run) publish(ctx context.Context, number int) ([]byte, error) {
	request := r.Publish
	request.Event.Data = bytes.ReplaceAll(request.Event.Data, []byte(Mark), []byte(r.marks.of(number)))
	return r.API.Publish(ctx, request)
}

// publishAll publishes by the schedule, and returns how long that took. An event whose turn has come waits for a free
// publisher, and its latency grows meanwhile.
func (r *run) publishAll(ctx context.Context) time.Duration {
	start := time.Now().Add(10 * time.Millisecond)
	r.start.Store(&start)
	var publishing sync.WaitGroup
	turns := make(chan int)
	for i := range publishers {
		publishing.Go(func() {
			for number := range turns {
				r.late.add(i, max(time.Since(r.scheduled(number)), 0))
				if _, err := r.publish(ctx, number); err != nil {
					r.failed.Add(1)
					r.note(err)
					continue
				}
				r.published.Add(1)
				r.publishes.add(i, time.Since(r.scheduled(number)))
			}
		})
	}
	for number := 1; number <= r.events(); number++ {
		if wait := time.Until(r.scheduled(number)); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			break
		}
		turns <- number
	}
	close(turns)
	publishing.Wait()
	return time.Since(r.scheduled(1))
}

// events is how many are published.
func (r *run) events() int { return max(int(r.Rate*r.For.Seconds()), 1) }

// missing is how many deliveries have not come.
func (r *run) missing() int64 { return r.published.Load()*int64(r.Clients) - r.delivered.Load() }

// awaitLast waits until all deliveries have come, or for lastDeliveries.
func (r *run) awaitLast(ctx context.Context) {
	for end := time.Now().Add(lastDeliveries); r.missing() > 0 && time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(5 * time.Millisecond)
	}
}

// note keeps the first error.
func (r *run) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = err
	}
}

func (r *run) result(took time.Duration) Report {
	made := Report{Dialect: r.Dialect, Clients: r.Clients, Connects: r.connects.latencies(), Seconds: took.Seconds(),
		Published: int(r.published.Load()), Failed: int(r.failed.Load()), Publishes: r.publishes.latencies(),
		Deliveries: r.deliveries.latencies(), Bytes: r.bytes.Load(), Missing: max(r.missing(), 0),
		Broken: r.broken.Load(), Late: r.late.latencies()}
	made.PublishRate = float64(made.Published) / took.Seconds()
	made.PerSecond = float64(made.Deliveries.Count) / took.Seconds()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first != nil {
		made.FirstError = r.first.Error()
	}
	return made
}

// report tells of the progress until the context ends.
func (r *run) report(ctx context.Context, phase *atomic.Value) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for r.Progress != nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p := Progress{Phase: phase.Load().(string), Connected: int(r.connected.Load()), Deliveries: r.delivered.Load(),
			Published: int(r.published.Load() + r.failed.Load())}
		p.Done = float64(p.Connected) / float64(r.Clients)
		if p.Phase == "publishing" {
			p.Done = float64(p.Published) / float64(r.events())
		}
		r.Progress(p)
	}
}
