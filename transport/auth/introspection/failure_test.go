package introspection

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestClient_ABackendThatFailsIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{does: down}
		c := l.client(t, Config{})
		for range 10 {
			if _, err := ask(c, whoIs); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%v", err)
			}
		}
		if n := l.calls.Load(); n != tripAfter {
			t.Errorf("%d calls, want %d and no more", n, tripAfter)
		}
		if f := c.Stats(); f.Breaker != "open" || f.Rejected == 0 {
			t.Errorf("%+v", f)
		}
		// After a while one call tries, and closes the breaker or leaves it open.
		time.Sleep(openFor + time.Millisecond)
		_, _ = ask(c, whoIs)
		if n := l.calls.Load(); n != tripAfter+1 || c.Stats().Breaker != "open" {
			t.Errorf("%d calls, breaker %s", n, c.Stats().Breaker)
		}
		time.Sleep(openFor + time.Millisecond)
		l.does = yes
		if a, err := ask(c, whoIs); err != nil || !a.Allow || c.Stats().Breaker != "closed" {
			t.Errorf("%+v, %v, breaker %s", a, err, c.Stats().Breaker)
		}
	})
}

func TestClient_DenyIsThePolicyWithoutAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{does: yes}
		c := l.client(t, Config{})
		_, _ = ask(c, whoIs)
		l.does = down
		time.Sleep(time.Minute)
		if a, err := ask(c, whoIs); !errors.Is(err, ErrUnavailable) || a.Allow {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestClient_AllowCachedLetsAYesHoldUntilItIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{does: yes}
		c := l.client(t, Config{Failure: AllowCached, Stale: 5 * time.Minute})
		_, _ = ask(c, whoIs)
		l.does = down
		for _, after := range []time.Duration{time.Minute, 3 * time.Minute} {
			time.Sleep(after)
			if a, err := ask(c, whoIs); err != nil || !a.Allow {
				t.Errorf("%+v, %v", a, err)
			}
		}
		if _, err := ask(c, Question{Kind: User, User: "43"}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("who was never known is let in: %v", err)
		}
		if n := c.Stats().Stale; n != 2 {
			t.Errorf("%d old answers", n)
		}
		time.Sleep(2 * time.Minute)
		if _, err := ask(c, whoIs); !errors.Is(err, ErrUnavailable) {
			t.Errorf("six minutes after it was said a yes still holds: %v", err)
		}
	})
}

// A later no removes the expired yes.
func TestClient_AllowCachedDoesNotOutliveANo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{does: yes}
		c := l.client(t, Config{Failure: AllowCached})
		_, _ = ask(c, whoIs)
		time.Sleep(time.Minute)
		l.does = no
		if a, err := ask(c, whoIs); err != nil || a.Allow {
			t.Errorf("%+v, %v", a, err)
		}
		l.does = down
		time.Sleep(time.Minute)
		if a, err := ask(c, whoIs); err == nil || a.Allow {
			t.Errorf("%+v, %v", a, err)
		}
	})
}
