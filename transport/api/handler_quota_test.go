package api

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

const anything = `{"all":true,"event":{"kind":"json","data":{}}}`

func TestQuota_IsOffByDefault(t *testing.T) {
	h := newTestAPI(t, Config{})
	for range 1000 {
		if a := h.call("POST", publishPath, anything); a.status != 200 {
			t.Fatal(a.body)
		}
	}
}

func TestQuota_OneMoreThanTheRateIs429AndRetryAfterIsTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{Rate: 2, Burst: 4})
		for range 4 {
			h.call("GET", "/api/v1/stats", "")
		}
		a := h.call("POST", publishPath, anything)
		a.refuses(protocol.RateLimited, "more than 2 requests per second", "burst 4")
		if got := a.header.Get("Retry-After"); got != "1" {
			t.Errorf("Retry-After %s", got)
		}
		other := request("GET", "/api/v1/stats", "")
		other.Header.Set("Authorization", "Bearer k2")
		if a := h.do(other); a.status != 200 {
			t.Errorf("another key: %d", a.status)
		}
		time.Sleep(time.Second)
		h.call("POST", publishPath, anything).is(200, `{"delivered":0,"id":"made-1"}`)
	})
}

func TestQuota_ABatchCountsEachEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{Rate: 10})
		batch := `{"publish":[` + strings.TrimSuffix(strings.Repeat(anything+",", 100), ",") + `]}`
		if a := h.call("POST", "/api/v1/batch", batch); a.status != 200 {
			t.Fatal(a.body)
		}
		a := h.call("POST", publishPath, anything)
		a.refuses(protocol.RateLimited)
		after, _ := strconv.Atoi(a.header.Get("Retry-After"))
		if after < 9 || after > 10 { // 90 events too many, 10 per second
			t.Errorf("Retry-After %d", after)
		}
		time.Sleep(time.Duration(after-1) * time.Second)
		h.call("POST", publishPath, anything).refuses(protocol.RateLimited)
		time.Sleep(time.Second)
		h.call("POST", publishPath, anything).is(200, `{"delivered":0,"id":"made-101"}`)
	})
}

func TestQuota_LimitChangesWithoutARestart(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.Limit(1, 1)
	h.call("GET", "/api/v1/stats", "")
	h.call("GET", "/api/v1/stats", "").refuses(protocol.RateLimited)
	h.Limit(0, 0)
	if a := h.call("GET", "/api/v1/stats", ""); a.status != 200 {
		t.Error(a.body)
	}
}

func TestQuota_RemembersABoundedNumberOfKeys(t *testing.T) {
	q := newQuota(1, 1)
	for i := range 10_000 {
		if _, refusal := q.take(fmt.Sprint("key", i)); refusal != nil {
			t.Fatal(refusal)
		}
	}
	if n := q.limiters.Len(); n != 4096 {
		t.Errorf("%d keys are remembered", n)
	}
}
