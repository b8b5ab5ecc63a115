package actors

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// recordedEnds are ways to end a connection of ann, and what the recorder says of each.
var recordedEnds = map[string]func(n *Node, c *client){
	"The client closed the connection with code 1000.": func(_ *Node, c *client) { c.link.Gone(protocol.Disconnected) },
	"The client closed the connection with code 4000: it said so.": func(_ *Node, c *client) {
		c.link.Note(recorder.Close{By: recorder.Client, Code: 4000, Detail: "it said so"})
		c.link.Finish(protocol.Disconnected, func() {})
		c.link.Gone(protocol.Disconnected)
	},
	"The network broke the connection, or the client went away without closing it.": func(_ *Node, c *client) {
		c.link.Gone(protocol.Lost)
	},
	"The network lost the client: nothing was heard of it": func(*Node, *client) { time.Sleep(2 * time.Minute) },
	"with code 4001: somebody asked for it: go.": func(n *Node, c *client) {
		n.Disconnect("acme", c.link.ID(), 4001, "go")
	},
	"with code 1008: the token or its right was revoked.": func(n *Node, _ *client) {
		n.Revoke(context.Background(), "acme", grant.Revocation{User: "ann"})
	},
	"with code 1008: the tenant is suspended.":          func(n *Node, _ *client) { n.SuspendTenant("acme", true) },
	"with code 1012: the server was going away.":        func(n *Node, _ *client) { n.Drain(context.Background()) },
	"with code 1011: the server failed; its log says":   func(_ *Node, c *client) { c.send(batch{panics: true}) },
	"with code 1008: the client read more slowly than":  func(_ *Node, c *client) { c.link.tooSlow() },
	"with code 1008: the token has expired.":            func(*Node, *client) { time.Sleep(31 * time.Second) },
	"with code 4003: the client has no right to it.":    sessionCloses(4003, "forbidden"),
	"with code 4004: somebody asked for it: some words": sessionCloses(4004, "some words"),
	"without a close frame: the server was going away: there was no time": func(n *Node, _ *client) {
		n.Close()
	},
}

// sessionCloses has the dialect close the connection.
func sessionCloses(code uint16, reason string) func(*Node, *client) {
	return func(_ *Node, c *client) {
		c.send(batch{messages: 1, commands: []protocol.Command{protocol.Close{Code: code, Reason: reason}}})
	}
}

func TestRecorder_EachWayToEndHasItsSentence(t *testing.T) {
	for want, end := range recordedEnds {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := New(Config{Recorder: 10}, nil, TenantConfig{Name: "acme"})
				defer n.Close()
				id := someone("ann")
				if strings.Contains(want, "expired") {
					id.Expires = time.Now().Add(30 * time.Second)
				}
				ann := enter(t, n, words, id)
				synctest.Wait()
				end(n, ann)
				synctest.Wait()
				e, err := n.Recorder().Connection("acme", ann.link.ID())
				if err != nil {
					t.Fatal(err)
				}
				if said := e.Why(); !strings.Contains(said, want) {
					t.Errorf("it says %q", said)
				}
				if e.User != "ann" || e.Closed.Before(e.Opened) || e.Dialect != words.Name() {
					t.Errorf("the entry is %+v", e)
				}
			})
		})
	}
}

func TestRecorder_ALoginThatIsTooLateEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Config{Recorder: 10}, nil, TenantConfig{Name: "acme"})
		defer n.Close()
		c := enter(t, n, &speech{name: "words", limits: protocol.Limits{Login: 10 * time.Second}}, nil)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		e, err := n.Recorder().Connection("acme", c.link.ID())
		if err != nil || !strings.Contains(e.Why(), "no valid token came") || e.Decided() != "login" {
			t.Errorf("it says %q by %q, %v", e.Why(), e.Decided(), err)
		}
	})
}
