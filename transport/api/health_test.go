package api

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/protocol"
)

// R001.81: a backend can see the server's state.
func TestHealth_IsOKWhileTheProcessLives(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.fail = errors.New("stuck")
	h.node.draining = true
	h.call("GET", "/healthz", "").is(200, `{"status":"ok"}`)
}

func TestReady_IfTheCanaryCameThrough(t *testing.T) {
	newTestAPI(t, Config{}).call("GET", "/readyz", "").is(200, `{"status":"ready","canary_seconds":0.000400}`)
}

func TestReady_NotWhileMemoryIsShort(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.health.Pressure = health.Pressure{Stage: health.Refusing, Used: 860, Limit: 1000}
	h.call("GET", "/readyz", "").refuses(protocol.Busy, "short of memory (refusing): 860 of 1000 bytes")
}

func TestReady_NamesActorsThatAreStuck(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.health.Stuck = []health.Stuck{{Actor: "topic", Tenant: "acme", Name: `ro"om`, Message: "publish",
		For: 12345 * time.Millisecond, Waiting: 7},
		{Actor: "connection", Tenant: "acme", Name: "ws-1", Message: "received", For: 6 * time.Second, Waiting: 1}}
	h.call("GET", "/readyz", "").is(200, `{"status":"ready","canary_seconds":0.000400,"stuck":[`+
		`{"actor":"topic","tenant":"acme","name":"ro\"om","at":"publish","seconds":12.345,"waiting":7},`+
		`{"actor":"connection","tenant":"acme","name":"ws-1","at":"received","seconds":6.000,"waiting":1}]}`)
}

func TestReady_NotWhileDraining(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.draining = true
	a := h.call("GET", "/readyz", "")
	a.refuses(protocol.Draining)
	if a.header.Get("Retry-After") != "1" {
		t.Error("no Retry-After")
	}
	h = newTestAPI(t, Config{})
	h.node.fail = &protocol.Refusal{Reason: protocol.Draining}
	h.call("GET", "/readyz", "").refuses(protocol.Draining)
}

func TestReady_NotIfTheCanaryFailsOrIsLate(t *testing.T) {
	for name, c := range map[string]struct {
		probe func(context.Context) (time.Duration, error)
		text  string
	}{
		"refused": {func(context.Context) (time.Duration, error) {
			return 0, &protocol.Refusal{Reason: protocol.Busy, Detail: "queue 7"}
		}, "busy, try again"},
		"error": {func(context.Context) (time.Duration, error) { return 0, errors.New("s3cret") }, "internal error"},
		"late": {func(context.Context) (time.Duration, error) { return 1001 * time.Millisecond, nil },
			"not back after 1s"},
		"shards": {func(context.Context) (time.Duration, error) {
			return 0, &health.Lost{Ways: []string{"topics shard 3", "writers 0"}}
		}, "not back after 1s: nothing gets through topics shard 3, writers 0"},
		"lost": {func(ctx context.Context) (time.Duration, error) { <-ctx.Done(); return 0, ctx.Err() },
			"not back after 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newTestAPI(t, Config{})
				h.node.probe = c.probe
				a := h.call("GET", "/readyz", "")
				a.refuses(protocol.Busy, c.text)
				if strings.Contains(a.body, "s3cret") || strings.Count(h.log.String(), "level=WARN") != 1 {
					t.Errorf("%s\n%s", a.body, h.log)
				}
				h.node.probe = nil
				h.call("GET", "/readyz", "").refuses(protocol.Busy) // remembered
				time.Sleep(canaryAge)
				h.call("GET", "/readyz", "").is(200, `{"status":"ready","canary_seconds":0.000400}`)
				if !strings.Contains(h.log.String(), "ready again") {
					t.Errorf("log:\n%s", h.log)
				}
			})
		})
	}
}

func TestReady_AskingOftenSendsOneCanaryAQuarterSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		var probes atomic.Int32
		h.node.probe = func(context.Context) (time.Duration, error) {
			probes.Add(1)
			time.Sleep(10 * time.Millisecond)
			return 10 * time.Millisecond, nil
		}
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				h.call("GET", "/readyz", "").is(200, `{"status":"ready","canary_seconds":0.010000}`)
			})
		}
		all.Wait()
		if n := probes.Load(); n != 4 {
			t.Errorf("1000 questions in 1 s sent %d canaries", n)
		}
	})
}

func TestReady_AStuckCanaryIsAnsweredAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		stuck := make(chan struct{})
		// it ignores its context
		h.node.probe = func(context.Context) (time.Duration, error) { <-stuck; return 0, nil }
		var first sync.WaitGroup
		first.Go(func() { h.call("GET", "/readyz", "") })
		synctest.Wait()
		started := time.Now()
		h.call("GET", "/readyz", "").refuses(protocol.Busy, "not back")
		if took := time.Since(started); took != time.Second {
			t.Errorf("answered after %s", took)
		}
		close(stuck)
		first.Wait()
	})
}
