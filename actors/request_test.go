package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// asking is a gateway that is asked for each topic, and answers only when its asker gives up.
type asking struct {
	gateway
	asked chan struct{}
}

func (a *asking) Authorize(ctx context.Context, _ string, _ *protocol.Identity, _ string) error {
	a.asked <- struct{}{}
	<-ctx.Done()
	return protocol.Refuse(protocol.Busy, "given up")
}

// slowly are the requests of a client that the outside may be slow to answer.
func slowly(t *testing.T, cfg Config, test func(n *Node, c *client, request protocol.Command, asked chan struct{})) {
	for name, request := range map[string]protocol.Command{
		"a login":        login("ann"),
		"a verification": protocol.Verify{Credential: protocol.Credential{Token: "ann"}},
		"a subscription": protocol.Subscribe{Topic: "room"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &asking{asked: make(chan struct{}, 1)}
				a.hold, a.inside = make(chan struct{}), a.asked
				a.know("ann", someone("ann"))
				n := New(cfg, a, TenantConfig{Name: "acme"})
				defer n.Close()
				test(n, enter(t, n, words, someone("ann")), request, a.asked)
			})
		})
	}
}

// F42: what a client asks of the outside went on for as long as a publish may wait, after its connection had ended.
func TestRequest_EndsWithItsConnection(t *testing.T) {
	slowly(t, Config{RequestTimeout: time.Hour, PublishWait: time.Hour},
		func(n *Node, c *client, request protocol.Command, asked chan struct{}) {
			c.send(batch{messages: 1, commands: []protocol.Command{request}})
			<-asked
			synctest.Wait()
			if c.link.flags.has(isOut) {
				t.Error("it did not wait")
			}
			began := time.Now()
			c.link.Gone(protocol.Lost)
			synctest.Wait()
			if !c.link.flags.has(isOut) || time.Since(began) > 0 {
				t.Errorf("the connection is still there")
			}
		})
}

// F42: what a client asks for has a time of its own, whatever that of a publish is.
func TestRequest_HasATimeOfItsOwn(t *testing.T) {
	for _, publish := range []time.Duration{time.Second, time.Hour} {
		slowly(t, Config{RequestTimeout: 3 * time.Second, PublishWait: publish},
			func(n *Node, c *client, request protocol.Command, asked chan struct{}) {
				began := time.Now()
				c.do(request)
				<-asked
				if took := time.Since(began); took != 3*time.Second {
					t.Errorf("it took %s", took)
				}
			})
	}
}
