package actors

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// strangers are connections that have not said who they are.
func strangers(t testing.TB, n *Node, count int, remote string) (all []*client) {
	t.Helper()
	for range count {
		if err := n.AdmitUnauthenticated(remote, false, nil); err != nil {
			t.Fatalf("%s is refused: %v", remote, err)
		}
		c, err := tryEnter(n, words, nil, remote)
		if err != nil {
			t.Fatalf("%s is refused: %v", remote, err)
		}
		all = append(all, c)
	}
	return all
}

// F18: nothing bounded the sockets without an identity.
func TestUnauthenticated_ConnectionsHaveABoundInAllAndPerAddress(t *testing.T) {
	bubble(t, Config{Unauthenticated: 5, UnauthenticatedPerAddress: 2}, func(n *Node) {
		strangers(t, n, 2, "192.0.2.1")
		refused := func(remote string, proxied bool, want protocol.Reason) {
			t.Helper()
			err := n.AdmitUnauthenticated(remote, proxied, nil)
			if err == nil || err.Reason != want || err.RetryAfter <= 0 {
				t.Errorf("%s: %+v, want %s and when to come back", remote, err, want)
			}
			if !proxied {
				if _, err := tryEnter(n, words, nil, remote); err == nil || err.Reason != want {
					t.Errorf("%s got in: %+v, want %s", remote, err, want)
				}
			}
		}
		refused("192.0.2.1", false, protocol.TooMany)
		if err := n.AdmitUnauthenticated("192.0.2.1", true, nil); err != nil {
			t.Errorf("through a proxy: %v", err)
		}
		strangers(t, n, 1, "2001:db8::1")
		strangers(t, n, 1, "2001:db8::ffff:2")
		refused("2001:db8::3", false, protocol.TooMany) // of the same /64
		strangers(t, n, 1, "2001:db8:0:1::3")
		refused("198.51.100.1", false, protocol.Busy)
		refused("198.51.100.1", true, protocol.Busy)
		enter(t, n, words, someone("ann")) // showed a credential in its handshake
	})
}

// F18: a place is free again when its connection has logged in, has ended, or was refused for something else.
func TestUnauthenticated_APlaceIsGivenBackOnceHoweverItEnds(t *testing.T) {
	g := &gateway{}
	g.know("ann", someone("ann"))
	d := &speech{name: "hasty", limits: protocol.Limits{Login: 20 * time.Second, Connections: 50}}
	for name, leave := range map[string]func(*client){
		"it logs in":          func(c *client) { c.do(login("ann")) },
		"it logs in twice":    func(c *client) { c.do(login("ann"), login("ann")) },
		"it logs in and goes": func(c *client) { c.do(login("ann")); c.link.Gone(protocol.Lost) },
		"it goes":             func(c *client) { c.link.Gone(protocol.Lost) },
		"it says nothing":     func(*client) { time.Sleep(20*time.Second + timer.Granularity) },
		"it says nothing useful": func(c *client) {
			c.do(login("bad"))
			time.Sleep(20*time.Second + timer.Granularity)
		},
		"it fails": func(c *client) { c.link.box.SendUnbounded(crash{"a test"}) },
	} {
		t.Run(name, func(t *testing.T) {
			guarded(t, Config{UnauthenticatedPerAddress: 1}, g, func(n *Node) {
				for round := range 3 {
					c, err := tryEnter(n, d, nil, "192.0.2.1")
					if err != nil {
						t.Fatalf("round %d: %v", round, err)
					}
					if n.AdmitUnauthenticated("192.0.2.1", false, nil) == nil {
						t.Fatal("the first does not count")
					}
					synctest.Wait()
					leave(c)
					if code, _ := c.ended(); code != 0 { // the transport closes
						c.link.Gone(protocol.Disconnected)
					}
					synctest.Wait()
				}
				if count, addresses := n.unauthenticated.Counted(); count != 0 || addresses != 0 {
					t.Errorf("at the end %d of %d addresses", count, addresses)
				}
			})
		})
	}
	t.Run("it is refused for another limit", func(t *testing.T) {
		bubble(t, Config{}, func(n *Node) {
			n.SetTenant(TenantConfig{Name: "acme", Connections: 1})
			synctest.Wait()
			enter(t, n, words, nil)
			for range 3 {
				if _, err := tryEnter(n, words, nil, "192.0.2.1"); err == nil || err.Reason != protocol.Busy {
					t.Fatalf("got %v", err)
				}
			}
			if count, addresses := n.unauthenticated.Counted(); count != 1 || addresses != 1 {
				t.Errorf("at the end %d of %d addresses", count, addresses)
			}
		})
	})
}
