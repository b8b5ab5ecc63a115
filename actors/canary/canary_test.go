package canary

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// conn is a connection without actors.
type conn struct {
	outbox outbox.Outbox
	heard  int
	gone   protocol.Reason
}

func (c *conn) Outbox() *outbox.Outbox      { return &c.outbox }
func (c *conn) Heard()                      { c.heard++ }
func (c *conn) Gone(reason protocol.Reason) { c.gone = reason }

// attached is a canary with its connection.
func attached() (*Canary, *conn) {
	c, to := New("room", "ann"), &conn{}
	to.outbox.Init(&outbox.Shared{Limits: outbox.Limits{Bytes: 1 << 20, Frames: 100}}, 1, false)
	to.outbox.Attach(c.Attach(to))
	return c, to
}

// arrive puts a delivery into the outbox.
func (c *conn) arrive(p *fanout.Delivery) {
	words := Dialect{}.Encode(protocol.Delivery{Event: p.Event})
	c.outbox.Offer(&outbox.Frame{Op: outbox.Text, Data: words.Data}, outbox.AtOnce)
}

// aSecond is a context that ends after one.
func aSecond(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestCanary_GetsThroughWhenItsEventLeavesTheOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, to := attached()
		got := ""
		through := func(p *fanout.Delivery) {
			got += p.Event.Topic + string(p.Event.Data)
			to.arrive(p)
			p.Result.Answer(1)
		}
		for range 2 {
			if err := c.ProbeTopic(aSecond(t), through); err != nil {
				t.Errorf("its topic: %v", err)
			}
			if err := c.ProbeUser(aSecond(t), through); err != nil {
				t.Errorf("its user: %v", err)
			}
		}
		synctest.Wait()
		const once = `room{"of":"topic"}room{"of":"user"}`
		if got != once+once || to.heard != 4 || to.outbox.Stats().QueuedFrames != 0 {
			t.Errorf("it sent %s, was heard %d times, and %+v is left", got, to.heard, to.outbox.Stats())
		}
	})
}

func TestCanary_IsLostWhenItsEventIsRefusedOrGoesNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, to := attached()
		refused := &protocol.Refusal{Reason: protocol.TooMany}
		err := c.ProbeTopic(aSecond(t), func(p *fanout.Delivery) { p.Result.Fail(refused) })
		if err != error(refused) {
			t.Errorf("refused: %v", err)
		}
		unanswered := func(*fanout.Delivery) {}
		if err := c.ProbeTopic(aSecond(t), unanswered); err != error(mailbox.ErrBusy) {
			t.Errorf("without an answer: %v", err)
		}
		nowhere := func(p *fanout.Delivery) { p.Result.Answer(0) }
		if err := c.ProbeUser(aSecond(t), nowhere); err != error(mailbox.ErrBusy) {
			t.Errorf("with nothing in the outbox: %v", err)
		}
		if err := c.ProbeUser(aSecond(t), func(p *fanout.Delivery) {
			to.outbox.Offer(&outbox.Frame{Op: outbox.Text, Data: []byte(events[toTopic])}, outbox.AtOnce)
			p.Result.Answer(1)
		}); err != error(mailbox.ErrBusy) {
			t.Errorf("with the other event: %v", err)
		}
	})
}

func TestCanary_AnEventThatComesTooLateProvesNothingToTheNextProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, to := attached()
		var late *fanout.Delivery
		_ = c.ProbeTopic(aSecond(t), func(p *fanout.Delivery) { late = p })
		to.arrive(late)
		synctest.Wait()
		nowhere := func(p *fanout.Delivery) { p.Result.Answer(0) }
		if err := c.ProbeTopic(aSecond(t), nowhere); err == nil {
			t.Error("it got through by the event of the probe before")
		}
	})
}

func TestCanary_EndsItsConnectionWhenItIsCutOrClosed(t *testing.T) {
	for name, end := range map[string]func(outbox.Transport){
		"cut":    outbox.Transport.Cut,
		"closed": func(t outbox.Transport) { t.Close(1001, "") },
	} {
		c, to := attached()
		if end(c); to.gone != protocol.Disconnected {
			t.Errorf("%s: the connection is gone by %q", name, to.gone)
		}
	}
}
