package api

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// FuzzPublish: a publish that the parser accepts has a target and an event that its kind's own rules accept, and its
// data is the JSON that came in; the parser gives a reason with each refusal. Parsing it as a batch of one agrees.
func FuzzPublish(f *testing.F) {
	for _, seed := range []string{
		`{"topic":"a/b","event":{"kind":"json","data":{"x":[1,2,{"y":null}]},"id":"i","key":"k",` +
			`"time":1769860800.25},"exclude_connection":"c"}`,
		`{"event":{"kind":"telemetry","data":{"device_id":7,"telemetry":{"temp":{"value":1.5}}},` +
			`"time":"2026-01-31T12:00:00Z"}}`,
		`{"user":42,"event":{"kind":"json","data":{"message":"MFA_REQUIRED"}}}`,
		`{"users":["a",1,-2],"event":{"kind":"message","data":{"level":"info","message":"x"}}}`,
		`{"all":true,"event":{"kind":"object","data":{"type":"issueUpdate","id":5,"data":[]}}}`,
	} {
		f.Add([]byte(seed))
	}
	for _, seed := range hostile() {
		if len(seed) < 4096 {
			f.Add([]byte(seed))
		}
	}
	a := New(Config{}, newFakeNode(), fakeKeys{})
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		var req publishRequest
		err := checkBody(body)
		if err == nil {
			req, err = a.parsePublish("the body", body)
		}
		if !bytes.Equal(body, before) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			refusal := protocol.AsRefusal(err)
			if refusal.Reason != protocol.Malformed && refusal.Reason != protocol.TooLarge ||
				len(refusal.Error()) > 1000 {
				t.Fatalf("%s: %.200s", refusal.Reason, refusal.Error())
			}
			return
		}
		if (req.target.Topic != "") == (req.target.All || req.target.Users != nil) ||
			req.target.All && req.target.Users != nil || req.event == nil {
			t.Fatalf("target %+v", req.target)
		}
		if req.target.Topic != "" && protocol.CheckTopic(req.target.Topic) != nil || !json.Valid(req.event.Data) ||
			!bytes.Contains(body, req.event.Data) {
			t.Fatalf("topic %q, data %q", req.target.Topic, req.event.Data)
		}
		asBatch := []byte(`{"publish":[` + string(body) + `]}`)
		if checkBody(asBatch) != nil { // it may nest too deep now
			return
		}
		if items, err := a.parseBatch(asBatch); err != nil || len(items) != 1 {
			t.Fatalf("as a batch: %d items, %v", len(items), err)
		}
	})
}

// FuzzAnswers: whatever is in a path or query, the answer is JSON and never a 500.
func FuzzAnswers(f *testing.F) {
	for _, seed := range [][2]string{
		{"/api/v1/topics/a%2Fb/history", "epoch=e1&offset=1&limit=5"}, {"/api/v1/users/%00", ""},
		{"/api/v1/connections", "cursor=%ff&limit=-1"},
		{"/api/v1/connections/c-1", ""}, {"/api/v1/topics", "prefix=a&cursor="}, {"/api/v1/stats", "key=1"},
		{"//", "%zz"}, {"//0//", ""}, {"/readyz", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	h := newTestAPI(f, Config{})
	h.node.topic("a/b")
	f.Fuzz(func(t *testing.T, path, query string) {
		r := request("GET", "/", "")
		url, err := r.URL.Parse(path)
		if err != nil || len(path)+len(query) > 1<<16 {
			return
		}
		r.URL, r.URL.RawQuery = url, query
		h.log.Reset()
		a := h.do(r)
		if a.status == 500 || a.status != 200 && !json.Valid([]byte(a.body)) {
			t.Fatalf("%s ? %s: %d %s", path, query, a.status, a.body)
		}
	})
}
