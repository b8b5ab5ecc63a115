package lifecycle

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// sink notes the numbers that it was given.
type sink struct{ numbers []uint64 }

func (s *sink) Emit(_ string, number uint64, _ []byte) { s.numbers = append(s.numbers, number) }

// alone runs the actor without a tenant. refuse is why the topic refuses events, nil if it takes them.
func alone(
	t *testing.T, cfg Config, room int, refuse *protocol.Refusal, do func(t *testing.T, l *Actor, appended *int),
) {
	synctest.Test(t, func(t *testing.T) {
		wheel, log := timer.NewWheel(), slog.New(slog.DiscardHandler)
		system := mailbox.NewSystem(log, wheel, func(string) {})
		stopped, appended := make(chan struct{}), 0
		l := New(Host{
			Tenant: "acme", MailboxSize: room, Log: log, Wheel: wheel, Supervisor: system.Supervisor("lifecycle", true),
			Append: func(ev *protocol.Event) *fanout.Result {
				appended++
				p := fanout.NewDelivery(ev, true)
				if refuse != nil {
					p.Result.Fail(refuse)
				} else {
					p.Result.Answer(0)
				}
				return p.Result
			},
			Stopped: func() { close(stopped) },
		}, cfg)
		do(t, l, &appended)
		l.Stop()
		<-stopped
		system.Done()
		wheel.Close()
		system.Close()
	})
}

func TestActor_NumbersWhatItEmitsAndLeavesAGapForWhatItLost(t *testing.T) {
	s := &sink{}
	alone(t, Config{Topic: true, Sink: s}, 2, nil, func(t *testing.T, l *Actor, appended *int) {
		held := holdFirst(l)
		for range 5 { // one is emitted, two have room, two are lost
			l.Post(protocol.Lifecycle{Type: protocol.LifecycleTypes()[0]})
			synctest.Wait()
		}
		close(held)
		synctest.Wait()
		l.Post(protocol.Lifecycle{Type: protocol.LifecycleTypes()[0]})
		if err := l.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if want := []uint64{1, 2, 3, 6}; !slices.Equal(s.numbers, want) || *appended != 4 {
			t.Errorf("the sink got %v, want %v; the topic got %d", s.numbers, want, *appended)
		}
		if got := fmt.Sprint(l.Stats()); got != "{4 map[failure:0 mailbox:2 topic:0]}" {
			t.Errorf("counted: %s", got)
		}
	})
}

// holdFirst makes the topic keep the first event waiting until the channel is closed.
func holdFirst(l *Actor) chan struct{} {
	topic, held, first := l.host.Append, make(chan struct{}), true
	l.host.Append = func(ev *protocol.Event) *fanout.Result {
		if first {
			first = false
			<-held
		}
		return topic(ev)
	}
	return held
}

func TestActor_CountsWhatTheTopicRefuses(t *testing.T) {
	alone(t, Config{Topic: true}, 8, &protocol.Refusal{Reason: protocol.Busy}, func(t *testing.T, l *Actor, _ *int) {
		l.Post(protocol.Lifecycle{Type: protocol.LifecycleTypes()[0]})
		if err := l.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(l.Stats()); got != "{1 map[failure:0 mailbox:0 topic:1]}" {
			t.Errorf("counted: %s", got)
		}
	})
}

func TestActor_WantsTheTypesOfItsSettings(t *testing.T) {
	all := protocol.LifecycleTypes()
	alone(t, Config{Topic: true, Of: all[:1]}, 8, nil, func(t *testing.T, l *Actor, _ *int) {
		if !l.Wants(all[0]) || l.Wants(all[1]) {
			t.Error("it wants other types than it was told")
		}
		l.Configure(Config{Topic: true})
		if !l.Wants(all[1]) {
			t.Error("without types it does not want all")
		}
	})
}
