package actors

import (
	"context"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Target says whom an event is for, and Receipt is the answer to a publish.
type (
	Target  = fanout.Target
	Receipt = fanout.Receipt
)

// publisher has the calls that publish.
type publisher struct {
	*services
	tenants *tenants
	timers  timer.Pool // of waits for answers
}

// Publish gives an event to a topic and its parent topics, to users, or to all connections. It blocks until the event
// has its position and is in the outboxes of its readers, and before that until the outboxes of all connections
// together have room: so a publisher feels that it is too fast. It runs an idle topic or user on the caller's
// goroutine, and Config.PublishWait bounds only its waits for others.
//
// Errors are protocol.Refusals: Malformed, NotFound (tenant), Suspended, TooMany (topics), RateLimited and Busy (with
// RetryAfter), Internal.
func (n *publisher) Publish(ctx context.Context, tenant string, to Target, ev *protocol.Event) (Receipt, error) {
	return n.await(ctx, n.post(ctx, tenant, to, ev))
}

// pipelineDepth is how many events of one PublishAll may be on their way. A mailbox has room for 128 such calls.
const pipelineDepth = 32

// PublishAll is Publish for several events in turn. It keeps their order, and has up to 32 of them on their way: a
// topic takes them in one go. An event for which the topic has to be made goes alone, since the tenant hands it over.
// answer gets the answer to each event in its turn, on the caller's goroutine. An event that was not tried, since ctx
// had ended, gets the error of ctx.
func (n *publisher) PublishAll(
	ctx context.Context, tenant string, to Target, events []*protocol.Event, answer func(Receipt, error),
) {
	var room [pipelineDepth]posting
	for chunk := range slices.Chunk(events, pipelineDepth) {
		posted := room[:0]
		for _, ev := range chunk {
			if err := ctx.Err(); err != nil {
				posted = append(posted, posting{err: err})
				continue
			}
			posted = append(posted, n.post(ctx, tenant, to, ev))
		}
		// The last is answered last, so that this goroutine sleeps and wakes once for all of them.
		last := &posted[len(posted)-1]
		last.receipt, last.err = n.await(ctx, *last)
		last.result = nil
		for _, p := range posted {
			answer(n.await(ctx, p))
		}
	}
}

// posting is an event on its way, and its publisher has to await the answer.
type posting struct {
	result  *fanout.Result // nil if there is an answer
	id      string
	made    bool // the id was made here, so that no other event has it
	receipt Receipt
	err     error
}

// post checks and sends an event. If the tenant has to make the topic or user first, post waits for the answer: the
// next event may find what was made before this one has come there.
func (n *publisher) post(ctx context.Context, tenant string, to Target, ev *protocol.Event) posting {
	t, err := n.admitPublish(ctx, tenant, &to, ev, nil)
	if err != nil {
		return posting{err: err}
	}
	p, id := to.Delivery(ev, info.ConnectionNumber(to.Exclude), n.now())
	posted := posting{result: p.Result, id: id, made: p.Anonymous}
	if !dispatch(t, to, p) {
		posted.receipt, posted.err = n.await(ctx, posted)
		posted.result = nil
	}
	return posted
}

// admitPublish checks an event against all limits, and waits for room. It returns the tenant. If asked is not nil it
// counts nothing and waits for nothing.
func (n *publisher) admitPublish(
	ctx context.Context, tenant string, to *Target, ev *protocol.Event, asked *decision.Record,
) (*tenantCore, error) {
	t, err := n.tenants.lookup(tenant)
	if err == nil {
		err = to.Check(asked)
	}
	if err == nil && !asked.Step(decision.Suspended, !t.suspended.Load()) {
		err = errSuspended
	}
	if err != nil {
		return nil, err
	}
	if err := n.watermark.RefusePublish(asked); err != nil {
		n.dropped(protocol.Busy, asked)
		return nil, err
	}
	if err := t.limits.AdmitPublish(len(ev.Data), n.wheel.Since(time.Now()), asked); err != nil {
		n.dropped(err.Reason, asked)
		return nil, err
	}
	if !asked.Number(decision.Backpressure, int(n.cfg.Backlog), !t.backlog.Full()) {
		if asked != nil {
			return nil, mailbox.ErrBusy
		}
		ctx, cancel := context.WithTimeout(ctx, n.cfg.PublishWait)
		defer cancel()
		if t.backlog.Wait(ctx) != nil {
			n.totals.Dropped(protocol.Busy, 1)
			return nil, mailbox.ErrBusy
		}
	}
	return t, nil
}

// AskPublish asks whether an event might be published. It does not block.
func (n *publisher) AskPublish(tenant string, to Target, ev *protocol.Event, asked *decision.Record) *protocol.Refusal {
	t, err := n.admitPublish(context.Background(), tenant, &to, ev, asked)
	if err == nil && to.Topic != "" {
		return askTopic(t, to.Topic, asked)
	}
	return protocol.AsRefusal(err)
}

// await waits for the answer to a posting.
func (n *publisher) await(ctx context.Context, p posting) (Receipt, error) {
	if p.result == nil {
		return p.receipt, p.err
	}
	var timeout <-chan time.Time
	if !p.made || !p.result.Done() { // a repetition waits for the first event with its id
		timer := n.timers.Start(n.cfg.PublishWait)
		defer n.timers.Stop(timer)
		timeout = timer.C
	}
	receipt, err := p.result.Wait(ctx, timeout)
	if err != nil {
		n.totals.Dropped(err.Reason, 1)
		return Receipt{}, err
	}
	receipt.ID = p.id
	if receipt.Duplicate {
		n.totals.Duplicates.Add(1)
	} else {
		n.totals.Published.Add(1)
	}
	return receipt, nil
}

// dispatch sends a delivery on its way. If the topic or user is idle, the publisher runs it here: it would wait for it
// anyway. It reports whether it found the topic or users, or has the tenant make them.
func dispatch(t *tenantCore, to Target, p *fanout.Delivery) (found bool) {
	switch {
	case to.Topic != "":
		return t.publish(to.Topic, p)
	case to.All:
		return t.publish(broadcastTopic, p)
	default:
		users := to.Users
		if len(users) > 1 {
			users = slices.Compact(slices.Sorted(slices.Values(users)))
		}
		p.Result.Expect(len(users))
		idle, found := t.publishToUsers(users, p)
		idle.RunInline()
		p.Result.Answer(0)
		return found
	}
}
