package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

func TestTopics_ArePagedByPrefix(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.call("GET", "/api/v1/topics", "").is(200, `{"topics":[],"cursor":""}`)
	for _, topic := range []string{"a/1", "a/2", "a/3", "b"} {
		h.call("POST", publishPath, `{"topic":"`+topic+`","event":{"kind":"json","data":{}}}`)
	}
	h.node.connect("c-1", "42", "a/3")
	h.call("GET", "/api/v1/topics?prefix=a%2F&limit=2", "").is(200, `{"topics":[`+
		`{"name":"a/1","subscribers":0,"epoch":"e1","offset":1,"history_length":1},`+
		`{"name":"a/2","subscribers":0,"epoch":"e1","offset":1,"history_length":1}],"cursor":"a/2"}`)
	h.call("GET", "/api/v1/topics?prefix=a/&limit=2&cursor=a/2", "").is(200, `{"topics":[`+
		`{"name":"a/3","subscribers":1,"epoch":"e1","offset":1,"history_length":1}],"cursor":""}`)
}

func TestHistory_ListsWhatFollowsAPosition(t *testing.T) {
	h := newTestAPI(t, Config{})
	for i := range 3 {
		h.call("POST", publishPath,
			fmt.Sprintf(`{"topic":"a/b c","event":{"kind":"json","data":{"n": %d},"id":"i%d"}}`, i+1, i+1))
	}
	event := func(n int) string {
		return fmt.Sprintf(
			`{"offset":%d,"id":"i%d","kind":"json","data":{"n": %d},"time":"2026-01-31T12:00:00Z"}`, n, n, n)
	}
	path := "/api/v1/topics/a%2Fb%20c/history"
	h.call("GET", path, "").is(200, `{"epoch":"e1","offset":3,"events":[`+event(1)+`,`+event(2)+`,`+event(3)+`]}`)
	h.call("GET", path+"?epoch=e1&offset=1&limit=1", "").is(200, `{"epoch":"e1","offset":3,"events":[`+event(2)+`]}`)
	h.call("GET", path+"?epoch=e1&offset=3", "").is(200, `{"epoch":"e1","offset":3,"events":[]}`)
	h.call("GET", path+"?epoch=e0&offset=1", "").refuses(protocol.PositionLost)
	h.call("GET", path+"?epoch=e1&offset=4", "").refuses(protocol.PositionLost)
	h.call("GET", path+"?epoch=e1&offset=9223372036854775808", "").refuses(protocol.PositionLost)
	h.call("GET", "/api/v1/topics/none/history", "").refuses(protocol.NotFound)
	h.call("GET", "/api/v1/topics/a/b%20c/history", "").refuses(protocol.NotFound, "no such path")
}

// F7: an offset needs the epoch in which it was counted; 0 is the beginning in any.
func TestHistory_AnOffsetWithoutItsEpochIsRefused(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.topic("a")
	for _, query := range []string{"offset=5", "offset=1&limit=10", "epoch=&offset=5", "offset=18446744073709551615"} {
		h.call("GET", "/api/v1/topics/a/history?"+query, "").refuses(protocol.Malformed, "needs the epoch")
		h.call("GET", "/api/v1/topics/none/history?"+query, "").refuses(protocol.Malformed, "needs the epoch")
	}
	h.call("GET", "/api/v1/topics/a/history?offset=0", "").is(200, `{"epoch":"e1","offset":0,"events":[]}`)
}

func TestHistory_PageEndsWhenItHasTooManyBytes(t *testing.T) {
	h := newTestAPI(t, Config{MaxBody: 4000})
	for range 10 {
		h.call("POST", publishPath,
			`{"topic":"t","event":{"kind":"json","data":{"x":"`+strings.Repeat("x", 1000)+`"}}}`)
	}
	seen := uint64(0)
	for pages := 1; seen < 10; pages++ {
		a := h.call("GET", fmt.Sprintf("/api/v1/topics/t/history?epoch=e1&offset=%d", seen), "")
		var page struct{ Events []struct{ Offset uint64 } }
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || len(page.Events) == 0 || len(a.body) > 5000 ||
			pages > 5 {
			t.Fatalf("page %d has %d events in %d bytes: %v", pages, len(page.Events), len(a.body), err)
		}
		for _, e := range page.Events {
			if seen++; e.Offset != seen {
				t.Errorf("offset %d, want %d", e.Offset, seen)
			}
		}
	}
}
