package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestBatch_AnswersInOrderAndARefusalStopsNothing(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.call("POST", "/api/v1/batch", `{"publish":[
		{"topic":"a","event":{"kind":"json","data":{"n":1}}},
		{"topic":"a//b","event":{"kind":"json","data":{}}},
		5,
		{"user":"x","event":{"kind":"json","data":{"n":2}}},
		{"topic":"a","event":{"kind":"json","data":{"n":3},"id":"z"}}]}`).is(200, `{"results":[`+
		`{"topic":"a","epoch":"e1","offset":1,"id":"made-1","duplicate":false,"delivered":0},`+
		`{"error":{"code":"malformed","message":"topic \"a//b\" has an empty segment"}},`+
		`{"error":{"code":"malformed","message":"the publish must be a JSON object"}},`+
		`{"delivered":0,"id":"made-2"},`+
		`{"topic":"a","epoch":"e1","offset":2,"id":"z","duplicate":false,"delivered":0}]}`)
	h.call("POST", "/api/v1/batch", `{"publish":[]}`).is(200, `{"results":[]}`)
}

// Events in a row for one topic go to the node together; nothing overtakes them, and each answer is in its place.
func TestBatch_ARunForOneTopicKeepsItsPlaceAmongTheOthers(t *testing.T) {
	h := newTestAPI(t, Config{})
	var items, want []string
	for i := range 200 {
		target, result := `"topic":"a"`, fmt.Sprintf(`"id":"i%d"`, i)
		switch {
		case i%50 == 17:
			target = `"topic":"b"`
		case i%50 == 23:
			target = `"user":"x"`
		case i%50 == 40:
			target, result = `"topic":"b//"`, "empty segment"
		}
		items = append(items, fmt.Sprintf(`{%s,"event":{"kind":"json","data":{"n":%d},"id":"i%d"}}`, target, i, i))
		want = append(want, result)
	}
	answer := h.call("POST", "/api/v1/batch", `{"publish":[`+strings.Join(items, ",")+`]}`)
	var got struct{ Results []json.RawMessage }
	if err := json.Unmarshal([]byte(answer.body), &got); err != nil || len(got.Results) != len(want) {
		t.Fatalf("%d results, %v", len(got.Results), err)
	}
	for i, result := range got.Results {
		if !strings.Contains(string(result), want[i]) {
			t.Errorf("result %d is %s, want %s", i, result, want[i])
		}
	}
	last := -1
	for _, call := range h.node.published {
		var data struct{ N int }
		if err := json.Unmarshal(call.event.Data, &data); err != nil || data.N <= last {
			t.Errorf("%d came behind %d: %v", data.N, last, err)
		}
		last = data.N
	}
}

func TestBatch_AMalformedOnePublishesNothing(t *testing.T) {
	item := `{"all":true,"event":{"kind":"json","data":{}}}`
	for body, text := range map[string]string{
		`{}`:                        "publish must be an array",
		`{"publish":5}`:             "publish must be an array",
		`{"publish":null}`:          "publish must be an array",
		`{"publish":{}}`:            "publish must be an array",
		`[` + item + `]`:            "must be a JSON object",
		`{"events":[` + item + `]}`: `no member "events"; known are publish`,
		`{"publish":[` + item + `,{"a":1,"a":2}]}`:          "duplicate",
		`{"publish":[` + item + `]}}`:                       "not valid JSON",
		`{"publish":[` + item + `,` + item[:30] + `]}`:      "not valid JSON",
		`{"publish":[` + item + `,{"x":"` + "\xff" + `"}]}`: "not valid JSON",
	} {
		h := newTestAPI(t, Config{})
		h.call("POST", "/api/v1/batch", body).refuses(protocol.Malformed, text)
		if len(h.node.published) > 0 {
			t.Errorf("%s published %d", body, len(h.node.published))
		}
	}
}

func TestBatch_LimitsAreNamed(t *testing.T) {
	h := newTestAPI(t, Config{MaxBody: 100 << 10, MaxEvent: 50})
	item := `{"all":true,"event":{"kind":"json","data":{}}}`
	full := strings.TrimSuffix(strings.Repeat(item+",", 1000), ",")
	a := h.call("POST", "/api/v1/batch", `{"publish":[`+full+`]}`)
	var got struct{ Results []struct{ ID string } }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || len(got.Results) != 1000 ||
		got.Results[999].ID != "made-1000" {
		t.Errorf("1000 events: %d results, %v", len(got.Results), err)
	}
	h.call("POST", "/api/v1/batch", `{"publish":[`+full+`,`+item+`]}`).refuses(protocol.TooLarge, "1001 events", "1000")
	h.call("POST", "/api/v1/batch", strings.Repeat(" ", 100<<10)+`{}`).refuses(protocol.TooLarge, "102400 bytes")
	big := `{"all":true,"event":{"kind":"json","data":{"x":"` + strings.Repeat("x", 50) + `"}}}`
	h.call("POST", "/api/v1/batch", `{"publish":[`+big+`]}`).is(200,
		`{"results":[{"error":{"code":"too_large","message":"event.data has 58 bytes; the limit is 50"}}]}`)
}

func TestBatch_ItemsBehindTheTimeoutAreNotPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{RequestTimeout: 2500 * time.Millisecond})
		h.node.onPublish = func(ctx context.Context) error { time.Sleep(time.Second); return nil }
		item := `{"user":"x","event":{"kind":"json","data":{}}}`
		late := `{"error":{"code":"busy","message":"not tried: the batch took longer than 2.5s; send the rest ` +
			`again","retry_after":1}}`
		h.call("POST", "/api/v1/batch", `{"publish":[`+item+`,`+item+`,`+item+`,`+item+`]}`).is(200,
			`{"results":[{"delivered":0,"id":"made-1"},{"delivered":0,"id":"made-2"},{"delivered":0,"id":"made-3"},`+
				late+`]}`)
		if len(h.node.published) != 3 {
			t.Errorf("%d were published", len(h.node.published))
		}
		item = `{"topic":"x","event":{"kind":"json","data":{}}}`
		answer := h.call("POST", "/api/v1/batch", `{"publish":[`+item+`,`+item+`,`+item+`,`+item+`]}`)
		if !strings.HasSuffix(answer.body, `"delivered":0},`+late+`]}`) || len(h.node.published) != 6 {
			t.Errorf("in a run: %d were published: %s", len(h.node.published)-3, answer.body)
		}
	})
}
