package actors

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/protocol"
)

// metered runs a test in a bubble with a node whose tenant has these rates.
func metered(t *testing.T, rates limit.RateLimits, test func(n *Node)) {
	bubble(t, Config{}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "acme", Rates: rates})
		synctest.Wait()
		test(n)
	})
}

// flood sends so many messages and reports how many were read.
func (c *client) flood(messages int) (read int) {
	for range messages {
		done := c.send(batch{messages: 1})
		synctest.Wait()
		select {
		case <-done:
			read++
		default:
			c.hand.mu.Lock()
			c.hand.batches = nil
			c.hand.mu.Unlock()
		}
	}
	return read
}

// reliability.md check 41, the WebSocket's part: limited first, told so 16 times, closed if it goes on. Also check 42
// for messages.
func TestRates_AFloodIsToldThatItIsTooFastAndThenClosed(t *testing.T) {
	polite := &speech{name: "words"}
	metered(t, limit.RateLimits{Connection: limit.Flow{Messages: 10}}, func(n *Node) {
		c, calm := enter(t, n, polite, someone("a")), enter(t, n, polite, someone("b"))
		c.hand.mild = true
		if read := c.flood(10 + 16); read != 10 {
			t.Errorf("%d messages of a flood were read, want 10", read)
		}
		if got := c.refusals(); len(got) != 16 || got[0] != protocol.RateLimited || c.link.flags.has(isGone) {
			t.Fatalf("told %v, gone %t", got, c.link.flags.has(isGone))
		}
		c.flood(1)
		c.wantEnd(t, protocol.RateLimited)
		if got := strings.Join(c.handed, ""); got != strings.Repeat("!", 16+1) {
			t.Errorf("the session was shown %q, want each message that was refused", got)
		}
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			calm.do()
		}
		if calm.link.flags.has(isGone) || len(calm.refusals()) != 0 {
			t.Error("who kept to the rate was refused")
		}
		if drops := n.Metrics().Drops[protocol.RateLimited]; drops != 17 {
			t.Errorf("%d drops", drops)
		}
	})
}

func TestRates_AUserAnAddressAndATenantShareWhatTheyMay(t *testing.T) {
	for _, c := range []struct {
		name  string
		rates limit.RateLimits
		same  bool // user
		far   bool // address
		both  int  // that two connections may send together
	}{
		{"user", limit.RateLimits{User: limit.Rates{Flow: limit.Flow{Messages: 10}}}, true, true, 10},
		{"users", limit.RateLimits{User: limit.Rates{Flow: limit.Flow{Messages: 10}}}, false, false, 20},
		{"address", limit.RateLimits{Address: limit.Rates{Flow: limit.Flow{Messages: 10}}}, false, false, 10},
		{"addresses", limit.RateLimits{Address: limit.Rates{Flow: limit.Flow{Messages: 10}}}, true, true, 20},
		{"tenant", limit.RateLimits{Tenant: limit.Rates{Flow: limit.Flow{Messages: 10}}}, false, true, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			metered(t, c.rates, func(n *Node) {
				second, address := "b", "192.0.2.1"
				if c.same {
					second = "a"
				}
				if c.far {
					address = "192.0.2.2"
				}
				x := enter(t, n, words, someone("a"))
				y, err := tryEnter(n, words, someone(second), address)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				x.hand.mild, y.hand.mild = true, true
				if got := x.flood(15) + y.flood(15); got != c.both {
					t.Errorf("%d were read, want %d", got, c.both)
				}
				time.Sleep(time.Second)
				if got := x.flood(10); got != 10 {
					t.Errorf("%d of 10 were read a second later", got)
				}
			})
		})
	}
}

func TestRates_OfATenantEndNobodyOnTheirOwn(t *testing.T) {
	metered(t, limit.RateLimits{Tenant: limit.Rates{Flow: limit.Flow{Messages: 1}}}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		c.hand.mild = true
		c.flood(5 * limit.Strikes)
		if c.link.flags.has(isGone) {
			t.Error("it was closed, though others may have used the rate up")
		}
	})
}

func TestRates_SubscribesAreRefusedInAnswerToTheCommand(t *testing.T) {
	metered(t, limit.RateLimits{Connection: limit.Flow{Subscribes: 5}}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		for i := range 20 {
			out := c.do(protocol.Subscribe{Topic: fmt.Sprint("t/", i)})
			want := protocol.Reason("")
			if i >= 5 {
				want = protocol.RateLimited
			}
			if reasonOf(out[0].Err) != want {
				t.Fatalf("subscribe %d: %v", i, out[0].Err)
			}
			if i == 5 && out[0].Err.RetryAfter != 200*time.Millisecond {
				t.Errorf("try again after %s", out[0].Err.RetryAfter)
			}
		}
		time.Sleep(200 * time.Millisecond)
		c.subscribe(t, "late")
	})
}

// reliability.md check 41, the API's part: Retry-After is the truth.
func TestRates_APublishThatIsTooMuchIsToldWhenItWillNotBe(t *testing.T) {
	metered(t, limit.RateLimits{Tenant: limit.Rates{Flow: limit.Flow{Messages: 4, Bytes: 100}}}, func(n *Node) {
		for i := range 4 {
			mustPublish(t, n, "room", jsonEvent(t, "", i))
		}
		_, err := publishTo(n, "room", jsonEvent(t, "", 9))
		refusal := protocol.AsRefusal(err)
		if reasonOf(err) != protocol.RateLimited || refusal.RetryAfter != 250*time.Millisecond {
			t.Fatalf("%+v", refusal)
		}
		time.Sleep(refusal.RetryAfter - time.Nanosecond)
		if _, err := publishTo(n, "room", jsonEvent(t, "", 9)); reasonOf(err) != protocol.RateLimited {
			t.Errorf("a moment before its time: %v", err)
		}
		time.Sleep(time.Nanosecond)
		mustPublish(t, n, "room", jsonEvent(t, "", 9))
		time.Sleep(10 * time.Second)
		// three seconds' worth
		large, _ := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
			Data: fmt.Appendf(nil, `{"x":"%0292d"}`, 1)})
		mustPublish(t, n, "room", large)
		time.Sleep(time.Second)
		_, err = publishTo(n, "room", large)
		refusal = protocol.AsRefusal(err)
		if reasonOf(err) != protocol.RateLimited || refusal.RetryAfter != 2*time.Second {
			t.Errorf("behind a large one: %+v", refusal)
		}
		n.SetTenant(TenantConfig{Name: "acme"})
		synctest.Wait()
		mustPublish(t, n, "room", large)
	})
}

func TestRates_ConnectsOfAnAddressAUserAndATenant(t *testing.T) {
	metered(t, limit.RateLimits{Address: limit.Rates{Connects: 3}, Tenant: limit.Rates{Connects: 5},
		User: limit.Rates{Connects: 2}}, func(n *Node) {
		admit := func(address string, want protocol.Reason) {
			t.Helper()
			err := n.Admit("acme", words, address, nil)
			if reasonOf(err) != want || err != nil && err.RetryAfter <= 0 {
				t.Errorf("%s: %+v, want %q", address, err, want)
			}
		}
		for range 3 {
			admit("192.0.2.1", "")
		}
		admit("192.0.2.1", protocol.RateLimited)
		admit("192.0.2.2", "")
		admit("192.0.2.3", "")
		admit("192.0.2.4", protocol.RateLimited) // of the tenant
		for i := range 3 {
			c := enter(t, n, words, someone("ann"))
			synctest.Wait()
			if ended := c.link.flags.has(isGone); ended != (i == 2) {
				t.Errorf("connection %d of a user: ended %t", i, ended)
			}
		}
		time.Sleep(time.Minute)
		admit("192.0.2.1", "")
	})
}

func TestRates_ABatchIsPaidOffBeforeTheNextMessage(t *testing.T) {
	metered(t, limit.RateLimits{Connection: limit.Flow{Messages: 10}}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		c.hand.mild = true
		<-c.send(batch{messages: 30})
		time.Sleep(1900 * time.Millisecond)
		if c.flood(1) != 0 {
			t.Error("the batch was not counted")
		}
		time.Sleep(200 * time.Millisecond)
		if c.flood(1) != 1 {
			t.Error("the batch was never paid off")
		}
	})
}

func TestRates_AnIPv6NetworkIsOneAddress(t *testing.T) {
	metered(t, limit.RateLimits{Address: limit.Rates{Connects: 2, Flow: limit.Flow{Messages: 10}}}, func(n *Node) {
		for i, want := range []protocol.Reason{"", "", protocol.RateLimited} {
			if err := n.Admit("acme", words, fmt.Sprintf("2001:db8:1:2:%d::1", i), nil); reasonOf(err) != want {
				t.Errorf("connect %d: %v", i, err)
			}
		}
		if err := n.Admit("acme", words, "2001:db8:1:3::1", nil); err != nil {
			t.Errorf("another network: %v", err)
		}
		x, _ := tryEnter(n, words, someone("a"), "2001:db8:9:9::1")
		y, _ := tryEnter(n, words, someone("b"), "2001:db8:9:9::2")
		synctest.Wait()
		x.hand.mild, y.hand.mild = true, true
		if got := x.flood(15) + y.flood(15); got != 10 {
			t.Errorf("%d messages were read, want 10", got)
		}
	})
	for address, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::/64", "": "",
		"a name": "a name"} {
		if got := limit.Network(address); got != want {
			t.Errorf("%q counts as %q, want %q", address, got, want)
		}
	}
}

func TestRates_AConnectOfAUserThatIsRefusedIsADrop(t *testing.T) {
	metered(t, limit.RateLimits{User: limit.Rates{Connects: 1}}, func(n *Node) {
		for range 3 {
			enter(t, n, words, someone("ann"))
			synctest.Wait()
		}
		if drops := n.Metrics().Drops[protocol.RateLimited]; drops != 2 {
			t.Errorf("%d drops, want 2", drops)
		}
	})
}

// registrar is an Authorizer that counts who asks.
type registrar struct {
	anyone
	asked atomic.Int64
}

func (r *registrar) Authorize(context.Context, string, *protocol.Identity, string) error {
	r.asked.Add(1)
	return protocol.Refuse(protocol.Forbidden, "no")
}

func TestRates_AClientThatIsRefusedATopicCannotAskForMoreThanItsRateEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &registrar{}
		n := New(Config{}, r, TenantConfig{Name: "acme",
			Rates: limit.RateLimits{Connection: limit.Flow{Subscribes: 3}}})
		defer n.Close()
		c := enter(t, n, words, someone("a"))
		for i := range 12 {
			c.do(protocol.Subscribe{Topic: fmt.Sprint("t/", i)})
		}
		if got := r.asked.Load(); got != 3 {
			t.Errorf("the backend was asked %d times", got)
		}
	})
}
