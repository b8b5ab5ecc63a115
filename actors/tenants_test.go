package actors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// reliability.md check 23: two tenants with the same topics and users, 100,000 publishes to topics, users and all:
// nothing crosses over.
func TestTenant_AHundredThousandPublishesNeverCrossOver(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	n := New(Config{}, &gateway{}, TenantConfig{Name: "acme"}, TenantConfig{Name: "other"})
	defer n.Close()
	const publishers, each = 4, 25_000
	var heard, strays [2]atomic.Int64
	for i, tenant := range []string{"acme", "other"} {
		mark := []byte(tenant)
		for _, user := range []string{"ann", "bob"} {
			h, w := &hand{}, &sink{got: func(f *outbox.Frame) {
				if f.Op == outbox.Ping { // on a slow machine
					return
				}
				heard[i].Add(1)
				if !bytes.Contains(f.Data, mark) {
					strays[i].Add(1)
				}
			}}
			h.opened = []protocol.Command{protocol.Subscribe{Topic: "room"}}
			_, err := n.Connect(ConnectOptions{Tenant: tenant, Dialect: words, Session: h, Identity: someone(user)},
				func(l *Conn) outbox.Transport {
					w.link = l
					return w
				})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var delivered, probes [2]atomic.Int64
	for i, tenant := range []string{"acme", "other"} { // all are subscribed
		for found := 0; found < 2; probes[i].Add(int64(found)) {
			r, err := n.Publish(context.Background(), tenant, Target{Topic: "room"}, tagged(t, tenant, 0))
			if err != nil {
				t.Fatal(err)
			} else {
				found = r.Delivered
			}
		}
	}
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			tenant := []string{"acme", "other"}[p%2]
			for i := range each {
				to := []Target{{Topic: "room"}, {Users: []string{"ann"}}, {All: true}, {Topic: "room"}}[i%4]
				r, err := n.Publish(context.Background(), tenant, to, tagged(t, tenant, i))
				if err != nil {
					t.Error(err)
					return
				}
				delivered[p%2].Add(int64(r.Delivered))
			}
		})
	}
	wg.Wait()
	for i, tenant := range []string{"acme", "other"} {
		if got, want := heard[i].Load()-probes[i].Load(), delivered[i].Load(); strays[i].Load() != 0 || got != want ||
			want != 2*each*7/4 {
			t.Errorf("%s heard %d, %d were delivered, want %d; %d of another tenant's", tenant, got, want, 2*each*7/4,
				strays[i].Load())
		}
	}
}

// tagged is an event that says whose it is.
func tagged(t testing.TB, tenant string, n int) *protocol.Event {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
		Data: fmt.Appendf(nil, `{"tenant":%q,"n":%d}`, tenant, n)})
	if err != nil {
		t.Error(err)
	}
	return ev
}

// reliability.md check 23: tenants do not see each other.
func TestTenant_HearsSeesAndCountsNothingOfAnother(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "other"})
		ann := enter(t, n, words, someone("ann")).subscribe(t, "room")
		ctx := context.Background()
		for _, to := range []Target{{Topic: "room"}, {Users: []string{"ann"}}, {All: true}} {
			if r, err := n.Publish(ctx, "other", to, jsonEvent(t, "", 1)); err != nil || r.Delivered != 0 {
				t.Errorf("%+v: %+v, %v", to, r, err)
			}
		}
		synctest.Wait()
		ann.wantHeard(t)
		if found, _, err := n.Connections(ctx, "other", ConnectionQuery{}); err != nil || len(found) != 0 {
			t.Errorf("connections: %v, %v", found, err)
		}
		for name, err := range map[string]error{
			"Connection":     second(n.Connection(ctx, "other", ann.link.ID())),
			"User":           second(n.User(ctx, "other", "ann")),
			"Disconnect":     n.Disconnect("other", ann.link.ID(), 0, ""),
			"DisconnectUser": second(n.DisconnectUser(ctx, "other", "ann", 0, "")),
		} {
			if reasonOf(err) != protocol.NotFound {
				t.Errorf("%s of another tenant: %v", name, err)
			}
		}
		if closed, _, err := n.Revoke(ctx, "other", grant.Revocation{User: "ann"}); closed != 0 || err != nil {
			t.Errorf("Revoke of another tenant closed %d, %v", closed, err)
		}
		if s := n.Stats("other"); s.TotalConnections != 0 {
			t.Errorf("stats: %+v", s)
		}
		page, err := n.History(ctx, "acme", "room", protocol.Position{}, 0)
		if err != nil || len(page.Events) != 0 {
			t.Errorf("history: %+v, %v", page, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestNode_KnowsNoTenantThatWasNotSet(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		if err := n.Admit("other", words, "192.0.2.1", nil); reasonOf(err) != protocol.NotFound {
			t.Errorf("Admit: %v", err)
		}
		_, err := n.Connect(ConnectOptions{Tenant: "other", Dialect: words, Session: &hand{}}, nil)
		if reasonOf(err) != protocol.NotFound {
			t.Errorf("Connect: %v", err)
		}
		if got := strings.Join(n.Tenants(), ","); got != "acme" {
			t.Errorf("tenants: %s", got)
		}
		if s := n.Stats("other"); s.Dialects != nil {
			t.Errorf("stats: %+v", s)
		}
		_, failure := n.Publish(context.Background(), "other", Target{All: true}, jsonEvent(t, "", 1))
		if !errors.Is(failure, protocol.Refuse(protocol.NotFound, "")) {
			t.Errorf("Publish: %v", failure)
		}
	})
}
