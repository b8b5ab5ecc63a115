package publisher

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/loadgen"
	"github.com/parley-realtime/parley/bench/target"
)

// Target is a topic or user to publish to; N and Topic are those of target.Values. Series tells those that a client
// hears apart, by topic and publisher, from 0 (loadgen.SeriesStride).
type Target struct{ N, Topic, Series int }

// Plan is what a publisher does.
type Plan struct {
	Call *target.Call
	// Payload is for ${payload} of the call; Pad is how many letters ${pad} has.
	// Readings has the pad be numbers and words instead, as JSON has them: they are compressed to a third.
	Payload  *target.Template
	Pad      int
	Readings bool
	// Address is where the server's clients connect; Values are the ports that the server was given.
	Address string
	Values  target.Values
	// Targets take turns; each has sequence numbers of its own.
	Targets []Target
	// Items is how many items a call with items has; they are Events of their own (a batch), or parts of one event.
	Items  int
	Events bool
	// Rate is how many calls to make in a second; with 0 each call follows the answer to the one before.
	Rate float64
	// Fresh makes a connection for each call.
	Fresh bool
	// TLS is how calls over HTTP speak TLS; nil is without it.
	TLS *tls.Config
	// Admit reports whether so many more events may be published now. The publisher asks every 50 us until it does.
	Admit func(events int) bool
}

// Publisher publishes. One goroutine may call its methods; any goroutine may call Events.
type Publisher struct {
	plan      Plan
	transport transport
	values    target.Values
	sequence  []int64 // of each target
	next      int     // whose turn it is
	out       []byte  // the request that is made
	body      []byte
	payload   []byte
	events    atomic.Int64
}

// transport carries calls to a server.
type transport interface {
	// call sends a request and waits for its answer, if there are answers.
	call(request []byte) error
	close()
}

// New makes a publisher and opens its connection.
func New(ctx context.Context, plan Plan) (*Publisher, error) {
	p := &Publisher{plan: plan, values: plan.Values, sequence: make([]int64, len(plan.Targets))}
	for i := range p.sequence {
		p.sequence[i] = int64(plan.Targets[i].Series) * loadgen.SeriesStride
	}
	p.values.Pad = strings.Repeat("x", plan.Pad)
	if plan.Readings {
		p.values.Pad = readings(plan.Pad)
	}
	var err error
	if plan.Call.TCP {
		p.transport, err = dialTCP(ctx, plan.Call, address(plan), &p.values)
	} else {
		p.transport, err = dialHTTP(plan)
	}
	return p, err
}

func address(plan Plan) string {
	if plan.Call.Address.Empty() {
		return plan.Address
	}
	return plan.Call.Address.Fill(&plan.Values)
}

// Events is how many events were published and, where the server answers, accepted. Any goroutine may call it.
func (p *Publisher) Events() int64 { return p.events.Load() }

// Run publishes and blocks until end, until ctx ends, or until a call fails.
func (p *Publisher) Run(ctx context.Context, end time.Time) error {
	pace := newPacer(p.plan.Rate)
	for {
		stamp := pace.wait()
		for !p.plan.Admit(p.eventsPerCall()) && time.Now().Before(end) && ctx.Err() == nil {
			nap(50 * time.Microsecond)
			if p.plan.Rate == 0 {
				stamp = time.Now()
			}
		}
		if !time.Now().Before(end) || ctx.Err() != nil {
			return ctx.Err()
		}
		p.request(stamp)
		if err := p.transport.call(p.out); err != nil {
			return fmt.Errorf("publish %d of this publisher: %w", p.Events()+1, err)
		}
		p.events.Add(int64(p.eventsPerCall()))
	}
}

// each is how many events one call publishes.
func (p *Publisher) eventsPerCall() int {
	if p.plan.Events {
		return p.plan.Items
	}
	return 1
}

// Close closes the connection.
func (p *Publisher) Close() { p.transport.close() }

// request makes the next request.
func (p *Publisher) request(stamp time.Time) {
	i := p.next
	p.next = (p.next + 1) % len(p.plan.Targets)
	w := &p.values
	w.N, w.Topic, w.Stamp = p.plan.Targets[i].N, p.plan.Targets[i].Topic, stamp.UnixNano()
	call := p.plan.Call
	p.body = p.body[:0]
	if call.Item.Empty() {
		p.number(i)
		p.body = call.Body.Append(p.body, w)
	} else {
		p.items(i)
	}
	if call.TCP {
		p.out = append(p.out[:0], p.body...)
		return
	}
	p.out = appendHead(p.out[:0], call, p.plan.Address, w, len(p.body), p.plan.Fresh)
	p.out = append(p.out, p.body...)
}

// items makes the body of a call with items.
func (p *Publisher) items(target int) {
	call, w := p.plan.Call, &p.values
	p.body = call.Open.Append(p.body, w)
	for w.Index = range p.plan.Items {
		if w.Index > 0 {
			p.body = call.Between.Append(p.body, w)
		}
		if w.Index == 0 || p.plan.Events {
			p.number(target)
		}
		p.body = call.Item.Append(p.body, w)
	}
	p.body = call.Close.Append(p.body, w)
}

// number gives the next event of a target its number and payload.
func (p *Publisher) number(target int) {
	p.sequence[target]++
	p.values.Sequence = p.sequence[target]
	p.payload = p.plan.Payload.Append(p.payload[:0], &p.values)
	p.values.Payload = p.payload
}
