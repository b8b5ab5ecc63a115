package actors

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// watched runs a test with a node whose log is said, and with a dialect in which whoever encodes an event is stuck
// until opened.
func watched(t *testing.T, test func(n *Node, stuck *speech, open func(), said func() string)) {
	t.Helper()
	var log diary
	bubble(t, Config{Timeout: time.Hour, PublishWait: time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil))},
		func(n *Node) {
			shut := make(chan struct{})
			opened := false
			open := func() {
				if !opened {
					opened = true
					close(shut)
				}
			}
			defer open()
			stuck := &speech{name: "stuck", encode: func(*protocol.Event, protocol.Projection) []byte {
				<-shut
				return nil
			}}
			test(n, stuck, open, log.String)
		})
}

func TestWatchdog_NamesATopicThatIsStuckOnceWithItsStack(t *testing.T) {
	watched(t, func(n *Node, stuck *speech, open func(), said func() string) {
		enter(t, n, stuck, someone("a")).subscribe(t, "room")
		for range 3 {
			go publishTo(n, "room", jsonEvent(t, "", 1))
		}
		time.Sleep(4 * time.Second)
		if h := n.Health(); h.Stuck != nil || said() != "" {
			t.Errorf("after 4 s: %+v\n%s", h, said())
		}
		time.Sleep(5 * time.Second)
		h := n.Health()
		if len(h.Stuck) != 1 {
			t.Fatalf("after 9 s: %+v", h)
		}
		s := h.Stuck[0]
		if s.Actor != "topic" || s.Tenant != "acme" || s.Name != "room" || s.Message != "publish" || s.Waiting != 2 ||
			s.For < 5*time.Second || s.For > 9*time.Second {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Hour)
		log := said()
		if strings.Count(log, "an actor is stuck") != 1 ||
			!strings.Contains(log, `kind=topic tenant=acme name=room at=publish`) ||
			!strings.Contains(log, "actors.(*topic).publish(") {
			t.Errorf("log:\n%s", log)
		}
		if f := n.Metrics(); f.Stuck["topic"] != 1 || f.EverStuck["topic"] != 1 ||
			f.Stuck["user"]+f.Stuck["tenant"]+f.Stuck["connection"] != 0 {
			t.Errorf("stuck %v, were %v", f.Stuck, f.EverStuck)
		}
		open()
		time.Sleep(5 * time.Second)
		if h := n.Health(); h.Stuck != nil || !strings.Contains(said(), "goes on") || n.Metrics().Stuck["topic"] != 0 {
			t.Errorf("when it goes on: %+v\n%s", h, said())
		}
	})
}

func TestWatchdog_NamesUsersTenantsAndConnections(t *testing.T) {
	watched(t, func(n *Node, stuck *speech, open func(), said func() string) {
		enter(t, n, stuck, someone("ann"))
		slow := &gatekeeper{open: make(chan struct{})}
		n.auth = slow
		c := enter(t, n, words, nil)
		synctest.Wait()
		for range 2 {
			go n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "", 1))
			c.send(batch{messages: 1, commands: []protocol.Command{login("x")}})
		}
		time.Sleep(10 * time.Second)
		var got []string
		for _, s := range n.Health().Stuck {
			got = append(got, fmt.Sprint(s.Actor, " ", s.Name, " ", s.Message))
		}
		if fmt.Sprint(got) != fmt.Sprintf("[user ann publish connection %s received]", c.link.ID()) &&
			fmt.Sprint(got) != fmt.Sprintf("[connection %s received user ann publish]", c.link.ID()) {
			t.Errorf("stuck are %v", got)
		}
		close(slow.open)
		open()
	})
}

// gatekeeper takes its time.
type gatekeeper struct{ open chan struct{} }

func (g *gatekeeper) Authenticate(context.Context, string, protocol.Credential) (*protocol.Identity, error) {
	<-g.open
	return someone("late"), nil
}

// Who is busy, idle, or waits for a restart is not stuck.
func TestWatchdog_LetsBeWhoGoesOn(t *testing.T) {
	watched(t, func(n *Node, _ *speech, _ func(), said func() string) {
		lazy := &speech{name: "lazy", encode: func(*protocol.Event, protocol.Projection) []byte {
			time.Sleep(3 * time.Second)
			return nil
		}}
		enter(t, n, lazy, someone("a")).subscribe(t, "room")
		for range 20 {
			go publishTo(n, "room", jsonEvent(t, "", 1))
		}
		enter(t, n, words, someone("b")).subscribe(t, "quiet")
		time.Sleep(70 * time.Second)
		if log := said(); log != "" || n.Health().Stuck != nil {
			t.Errorf("%+v\n%s", n.Health(), log)
		}
	})
}

func TestWatchdog_NamesTheTenantThatCannotBeLookedAt(t *testing.T) {
	n := New(Config{StuckAfter: 20 * time.Millisecond}, nil, TenantConfig{Name: "acme"})
	defer n.Close()
	acme, release, made := n.tenant("acme"), make(chan struct{}), make(chan struct{})
	go func() { // it holds the shard of its name for as long as the topic is being made
		defer close(made)
		acme.topics.SendOrSpawn("stuck", idleTimeout{}, func() *mailbox.Mailbox {
			<-release
			return newTopic(acme, "stuck")
		})
	}()
	var err error
	eventually(t, "the directory is found stuck", func() bool {
		err = n.watchdog.Probe(t.Context())
		return err != nil
	})
	if err.Error() != "nothing gets through the directories of tenant acme" {
		t.Error(err)
	}
	if _, err := n.Probe(t.Context()); err == nil {
		t.Error("it is ready")
	}
	close(release)
	<-made
	eventually(t, "the directory is found free", func() bool { return n.watchdog.Probe(t.Context()) == nil })
}

// eventually waits until it is so, for 20 s of the test's time: for what is brought about by others.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("not yet after 20 s: %s", what)
			return
		}
	}
}

func BenchmarkWatchdog(b *testing.B) {
	n := New(Config{StuckAfter: time.Hour}, nil, TenantConfig{Name: "acme"})
	defer n.Close()
	const size = 10_000
	for i := range size {
		enter(b, n, words, someone(fmt.Sprint("u", i)))
	}
	for b.Loop() {
		watchedTenants{&n.tenants}.EachMailbox(func(string) {}, func(_ health.Kind, _, _ string, box *mailbox.Mailbox) {
			box.Occupation()
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/connection")
}
