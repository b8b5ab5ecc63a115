package introspection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// wire stands for the network, so that time can be fake.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func respond(status int, text string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text)), Header: http.Header{}}, nil
}

// line is a backend on a fake network, with its present behaviour.
type line struct {
	calls atomic.Int32
	does  func(*http.Request) (*http.Response, error)
}

func (l *line) client(t *testing.T, cfg Config) *Client {
	t.Helper()
	cfg.URL, cfg.Secret = "https://backend.example/", testSecret
	cfg.Transport = wire(func(r *http.Request) (*http.Response, error) {
		l.calls.Add(1)
		return l.does(r)
	})
	c, err := New("acme", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func yes(*http.Request) (*http.Response, error)  { return respond(200, `{"allow":true}`) }
func no(*http.Request) (*http.Response, error)   { return respond(200, `{"allow":false}`) }
func down(*http.Request) (*http.Response, error) { return respond(503, "") }

// hangs answers when the caller has given up.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestClient_AQuestionTakesNoLongerThanItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{does: hangs}
		c := l.client(t, Config{Timeout: 2 * time.Second, Budget: 5 * time.Second, Tries: 5})
		began := time.Now()
		_, err := ask(c, whoIs)
		if took := time.Since(began); !errors.Is(err, ErrUnavailable) || took > 5*time.Second || took < 4*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		if n := l.calls.Load(); n != 3 {
			t.Errorf("%d tries, want 3 of 2s in 5s", n)
		}
	})
}

func TestClient_WaitsBetweenTriesWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{does: down}
		seen := map[time.Duration]bool{}
		for range 10 {
			c := l.client(t, Config{})
			began := time.Now()
			_, _ = ask(c, whoIs)
			took := time.Since(began) // 100ms and 200ms, each plus or minus a half
			if took < 150*time.Millisecond || took > 450*time.Millisecond {
				t.Errorf("three tries took %s", took)
			}
			seen[took] = true
		}
		if len(seen) < 2 {
			t.Error("no jitter: all took the same time")
		}
	})
}

func TestClient_RemembersAYesAndANoForTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			does wire
			ttl  time.Duration
		}{{yes, time.Minute}, {no, 10 * time.Second}, {func(*http.Request) (*http.Response, error) {
			return respond(200, `{"allow":true,"ttl":3}`)
		}, 3 * time.Second}} {
			l := &line{does: c.does}
			client := l.client(t, Config{})
			for range 3 {
				_, _ = ask(client, whoIs)
			}
			time.Sleep(c.ttl - time.Nanosecond)
			_, _ = ask(client, whoIs)
			if n := l.calls.Load(); n != 1 {
				t.Errorf("asked %d times within %s", n, c.ttl)
			}
			time.Sleep(time.Nanosecond)
			_, _ = ask(client, whoIs)
			if n := l.calls.Load(); n != 2 {
				t.Errorf("asked %d times after %s", n, c.ttl)
			}
		}
	})
}

func TestClient_AnswersToOtherQuestionsAreNotMixedUp(t *testing.T) {
	l := &line{does: func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		return respond(200, fmt.Sprintf(`{"allow":%t}`, strings.Contains(string(body), `"session":"ab"`)))
	}}
	c := l.client(t, Config{})
	for range 2 {
		for q, want := range map[Question]bool{
			{Kind: Session, Session: "ab"}: true, {Kind: Session, Session: "a", User: "b"}: false,
			{Kind: Session, User: "ab"}:                false,
			{Kind: Session, Tenant: "a", Session: "b"}: false, {Kind: User, User: "ab"}: false,
			{Kind: Outpost, Token: "ab"}: false,
		} {
			if a, err := ask(c, q); err != nil || a.Allow != want {
				t.Errorf("%#v %+v: %v, %v", q, q.User, a.Allow, err)
			}
		}
	}
}

func TestClient_GuessesDoNotPushOutAYes(t *testing.T) {
	l := &line{does: yes}
	c := l.client(t, Config{CacheEntries: 4})
	_, _ = ask(c, whoIs)
	l.does = no
	for i := range 100 {
		_, _ = ask(c, Question{Kind: Session, Session: fmt.Sprint("guess", i)})
	}
	before := l.calls.Load()
	if a, err := ask(c, whoIs); err != nil || !a.Allow || l.calls.Load() != before {
		t.Errorf("%+v, %v, %d calls more", a, err, l.calls.Load()-before)
	}
	if n := c.Stats().Entries; n != 5 {
		t.Errorf("%d answers are cached; the bound is 4 of each kind", n)
	}
}

func TestClient_ManyWhoAskTheSameShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{does: func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return yes(r)
		}}
		c := l.client(t, Config{})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if a, err := ask(c, whoIs); err != nil || !a.Allow {
					t.Errorf("%+v, %v", a, err)
				}
			})
		}
		all.Wait()
		if f := c.Stats(); f.Calls != 1 || f.Asked != 1000 || f.Shared+f.Cached != 999 {
			t.Errorf("%+v", f)
		}
	})
}

// A caller that asked first and gives up does not take the others along.
func TestClient_WhoGivesUpHandsTheQuestionOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{does: func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(time.Second):
				return yes(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}}
		c := l.client(t, Config{})
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := c.Ask(ctx, whoIs); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up heard %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if a, err := ask(c, whoIs); err != nil || !a.Allow {
				t.Errorf("who waited heard %+v, %v", a, err)
			}
		})
		time.Sleep(500 * time.Millisecond)
		cancel()
		all.Wait()
		if f := c.Stats(); f.Calls != 2 || f.Failures != 0 {
			t.Errorf("%+v; who gives up is no failure of the backend", f)
		}
	})
}

func TestClient_CallsAreBoundedAndSoAreThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		l := &line{does: func(r *http.Request) (*http.Response, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			time.Sleep(100 * time.Millisecond)
			return yes(r)
		}}
		c := l.client(t, Config{Concurrency: 2})
		const many = 2*(1+waitersPerSlot) + 10
		var refused atomic.Int32
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				if _, err := ask(c, Question{Kind: User, User: fmt.Sprint(i)}); err != nil {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if most.Load() != 2 || refused.Load() != 10 {
			t.Errorf("%d calls at once, %d refused; want 2 and 10", most.Load(), refused.Load())
		}
		if f := c.Stats(); f.Rejected != 10 {
			t.Errorf("%+v", f)
		}
	})
}
