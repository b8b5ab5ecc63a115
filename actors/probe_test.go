package actors

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// probed probes a node as readiness does, with a second of patience, and returns the ways by which nothing got through.
func probed(t *testing.T, n *Node) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := n.Probe(ctx)
	var lost *health.Lost
	if err != nil && !errors.As(err, &lost) {
		t.Fatal(err)
	}
	if lost == nil {
		return nil
	}
	return lost.Ways
}

func TestProbe_TheCanariesCoverEveryShardOfTopicsAndUsers(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := n.tenant(canaryTenant)
		for shard, at := range n.canaries {
			if c.topics.Shard(at.Topic) != shard || c.users.Shard(at.User) != shard {
				t.Errorf("the canary of shard %d is in %d and %d", shard, c.topics.Shard(at.Topic),
					c.users.Shard(at.User))
			}
		}
		if len(n.canaries) != mailbox.Shards || n.probes.Count() != 2*mailbox.Shards+1 {
			t.Errorf("%d canaries, %d probes", len(n.canaries), n.probes.Count())
		}
	})
}

// A topic and a user that are stuck are named, and everything else goes on to be probed.
func TestProbe_NamesTheShardsThroughWhichNothingGets(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		open := make(chan struct{})
		stuck := &speech{name: "stuck", encode: func(*protocol.Event, protocol.Projection) []byte {
			<-open
			return nil
		}}
		for _, h := range []struct{ topic, user string }{{n.canaries[3].Topic, ""}, {"elsewhere", n.canaries[7].User}} {
			c := &client{&tape{}, &hand{opened: []protocol.Command{protocol.Subscribe{Topic: h.topic}}}}
			dial := ConnectOptions{Tenant: canaryTenant, Dialect: stuck, Session: c.hand, Identity: someone(h.user)}
			if _, err := n.Connect(dial, func(l *Conn) outbox.Transport { c.link = l; return c.tape }); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for range 5 {
			if ways := probed(t, n); !slices.Equal(ways, []string{"topics shard 3", "users shard 7"}) {
				t.Errorf("nothing gets through %q", ways)
			}
		}
		close(open)
		synctest.Wait()
		if ways := probed(t, n); ways != nil {
			t.Errorf("when all is well again nothing gets through %q", ways)
		}
	})
}

func TestProbe_AnAddedProbeIsTriedAndNotJoinedWhileItIsStuck(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		open, tries := make(chan struct{}), 0
		n.AddProbe("slot 2", func(context.Context) error { tries++; <-open; return nil }) // hears no context
		n.AddProbe("slot 3", func(context.Context) error { return mailbox.ErrBusy })
		for range 10 {
			if ways := probed(t, n); !slices.Equal(ways, []string{"slot 2", "slot 3"}) {
				t.Errorf("nothing gets through %q", ways)
			}
		}
		if tries != 1 {
			t.Errorf("%d are stuck", tries)
		}
		close(open)
		synctest.Wait()
		if ways := probed(t, n); !slices.Equal(ways, []string{"slot 3"}) {
			t.Errorf("nothing gets through %q", ways)
		}
	})
}

func BenchmarkProbe(b *testing.B) {
	n := New(Config{}, nil, TenantConfig{Name: "acme"})
	defer n.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Probe(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func TestProbe_ThatComesBeforeTheCanaryHasSubscribedWaitsForIt(t *testing.T) {
	for range 10 { // who is first is chance
		bubble(t, Config{}, func(n *Node) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if _, err := n.Probe(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestProbe_ProvesThatEventsGetThroughAndIsInNoMetrics(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		synctest.Wait()
		for range 10 {
			if _, err := n.Probe(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour) // it is not silent
		if _, err := n.Probe(context.Background()); err != nil {
			t.Errorf("after an hour: %v", err)
		}
		if f := n.Metrics(); f.Published != 0 || f.Delivered != 0 || f.Latency.Sum != 0 || len(f.Tenants) != 1 ||
			f.Topics != 0 || len(f.Drops) != 0 {
			t.Errorf("%+v", f)
		}
		for range 3 {
			n.tenant(canaryTenant).topics.SendUnbounded(n.canaries[5].Topic, crash{"a test"})
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		if _, err := n.Probe(ctx); err == nil || err.Error() != "nothing gets through topics shard 5" {
			t.Errorf("while events do not get through: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := n.Probe(context.Background()); err != nil {
			t.Errorf("when they do again: %v", err)
		}
	})
}
