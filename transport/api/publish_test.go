package api

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

const publishPath = "/api/v1/publish"

func TestPublish_ToATopicAnswersWithItsPosition(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42", "news/today")
	body := `{"topic":"news/today","event":{"kind":"json","data":{"a":"<&>é"},"id":"n-1"}}`
	h.call("POST", publishPath, body).is(200,
		`{"topic":"news/today","epoch":"e1","offset":1,"id":"n-1","duplicate":false,"delivered":1}`)
	h.call("POST", publishPath, body).is(200,
		`{"topic":"news/today","epoch":"e1","offset":1,"id":"n-1","duplicate":true,"delivered":1}`)
	if got := string(h.node.published[0].event.Data); got != `{"a":"<&>é"}` {
		t.Errorf("data arrived as %s", got)
	}
}

func TestPublish_TopicMayBeLeftOutWhereTheKindNamesIt(t *testing.T) {
	events := map[string]string{
		`{"kind":"project_updated","data":{"project_name":"apollo","trigger":"audit"}}`: "projects/apollo",
		`{"kind":"telemetry","data":{"device_id":7,"telemetry":{"temp":{"value":1}}}}`:  "telemetry/7",
		`{"kind":"alert","data":{"alert_id":1,"device_id":"d","severity":"high","title":"t","message":"m",` +
			`"metadata":{}}}`: "alerts/d",
		`{"kind":"device_status","data":{"device_id":7,"old_status":"a","new_status":"b",` +
			`"metadata":{}}}`: "devices/7",
		`{"kind":"system_status","data":{"metrics":{"cpu":1}}}`:            "system",
		`{"kind":"object","data":{"type":"issueUpdate","id":5,"data":[]}}`: "issueUpdate/5",
		`{"kind":"trigger_update","data":{"outpost":"0ac1"}}`:              "outposts/0ac1",
		`{"kind":"telemetry","key":"k","time":1769860800,"id":"i",` +
			`"data":{"device_id":"x","telemetry":{}}}`: "telemetry/x",
		`{"time":null,"id":null,"key":null,"kind":"project_updated","data":{"project_name":"a b","trigger":"audit",` +
			`"extra":[1,{"b":2}]}}`: "projects/a b",
	}
	for event, topic := range events {
		h := newTestAPI(t, Config{})
		h.call("POST", publishPath, `{"event":`+event+`}`)
		if len(h.node.published) != 1 || h.node.published[0].to.Topic != topic {
			t.Errorf("%s went to %+v, want %s", event, h.node.published, topic)
		}
	}
}

// R002.17: the publisher learns how many got it. R002.25: a backend publishes to one user, to some, or to all.
func TestPublish_ToUsersAnswersHowManyItReached(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42")
	h.node.connect("c-2", "42")
	h.node.connect("c-3", "-7")
	event := `"event":{"kind":"json","data":{"message":"NEW_ACTIVITY_NOTIFICATION"}}`
	cases := []struct {
		target string
		to     actors.Target
		count  int
	}{
		{`"user":"42"`, actors.Target{Users: []string{"42"}}, 2},
		{`"user":42`, actors.Target{Users: []string{"42"}}, 2},
		{`"user":-7`, actors.Target{Users: []string{"-7"}}, 1},
		{`"user":"nobody"`, actors.Target{Users: []string{"nobody"}}, 0}, // R002.19: quietly
		{`"users":["42",-7,"nobody"]`, actors.Target{Users: []string{"42", "-7", "nobody"}}, 3},
		{`"all":true`, actors.Target{All: true}, 3},
		{`"all":true,"topic":null,"user":null,"users":null,"exclude_connection":"c-1"`,
			actors.Target{All: true, Exclude: "c-1"}, 3},
		{`"all":false,"user":"42"`, actors.Target{Users: []string{"42"}}, 2},
	}
	for i, c := range cases {
		h.call("POST", publishPath, `{`+c.target+`,`+event+`}`).is(200,
			fmt.Sprintf(`{"delivered":%d,"id":"made-%d"}`, c.count, i+1))
		if got := h.node.published[i].to; !reflect.DeepEqual(got, c.to) {
			t.Errorf("%s became %+v", c.target, got)
		}
	}
}

// R002.18: MFA_REQUIRED for a user without a connection is an error, and nothing else is.
func TestPublish_MFARequiredWithoutConnectionIs400(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42")
	mfa := `"event":{"kind":"json","data":{"message":"MFA_REQUIRED","user_id":1}}`
	h.call("POST", publishPath, `{"user":1,`+mfa+`}`).is(400,
		`{"error":{"code":"malformed","message":"No WebSocket connection for user 1"},"detail":"No WebSocket `+
			`connection for user 1"}`)
	h.call("POST", publishPath, `{"user":1,"event":{"kind":"json","data":{"message":"MFA\u005fREQUIRED"}}}`).refuses(
		protocol.Malformed, "for user 1")
	h.call("POST", publishPath, `{"user":42,`+mfa+`}`).is(200, `{"delivered":1,"id":"made-3"}`)
	h.call("POST", publishPath, `{"users":["1"],`+mfa+`}`).is(200, `{"delivered":0,"id":"made-4"}`)
	h.call("POST", publishPath, `{"user":1,"event":{"kind":"json","data":{"message":"mfa_required"}}}`).is(200,
		`{"delivered":0,"id":"made-5"}`)
	h.call("POST", publishPath,
		`{"user":1,"event":{"kind":"message","data":{"level":"info","message":"MFA_REQUIRED"}}}`).is(200,
		`{"delivered":0,"id":"made-6"}`)
	h.call("POST", "/api/v1/batch", `{"publish":[{"user":1,`+mfa+`}]}`).is(200,
		`{"results":[{"error":{"code":"malformed","message":"No WebSocket connection for user 1"}}]}`)
}

func TestPublish_TimeIsRFC3339OrUnixSeconds(t *testing.T) {
	for text, want := range map[string]time.Time{
		`"2026-01-31T12:00:00Z"`:         noon,
		`"2026-01-31T13:00:00.25+01:00"`: noon.Add(250 * time.Millisecond),
		`1769860800`:                     noon,
		`1769860800.25`:                  noon.Add(250 * time.Millisecond),
		`1.7698608e9`:                    noon,
		`-1`:                             time.Unix(-1, 0).UTC(),
		`1769860800.123456`:              noon.Add(123456 * time.Microsecond),
		// F36: no valid time counts as none.
		`"0001-01-01T00:00:00Z"`:              time.Date(1, 1, 1, 0, 0, 0, 0, utc),
		`"0001-01-01T01:00:00+01:00"`:         time.Date(1, 1, 1, 0, 0, 0, 0, utc),
		`-62135596800`:                        time.Date(1, 1, 1, 0, 0, 0, 0, utc),
		`"0000-01-01T00:00:00Z"`:              time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		`253402300799`:                        time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		`"` + noon.Format(time.RFC3339) + `"`: noon,
	} {
		h := newTestAPI(t, Config{})
		h.call("POST", publishPath, `{"all":true,"event":{"kind":"json","data":{},"time":`+text+`}}`)
		if len(h.node.published) != 1 || !h.node.published[0].event.Time.Equal(want) {
			t.Errorf("%s: %+v", text, h.node.published)
		}
	}
	for _, text := range []string{`"yesterday"`, `1e400`, `-1e18`, `253402300800`, `true`, `{}`, `[]`, `""`,
		`"1769860800"`, `"9999-12-31T23:59:59-01:00"`} {
		newTestAPI(t, Config{}).call("POST", publishPath,
			`{"all":true,"event":{"kind":"json","data":{},"time":`+text+`}}`).refuses(protocol.Malformed)
	}
}

func TestPublish_RefusalNamesWhatIsWrong(t *testing.T) {
	ok := `"event":{"kind":"json","data":{}}`
	for body, texts := range map[string][]string{
		``:                                    {"the body is empty"},
		`   `:                                 {"the body is empty"},
		`null`:                                {"the body must be a JSON object"},
		`[]`:                                  {"the body must be a JSON object"},
		`"x"`:                                 {"the body must be a JSON object"},
		`{}`:                                  {"event is missing"},
		`{"topic":"a"}`:                       {"event is missing"},
		`{` + ok + `}`:                        {"a json event needs one of topic, user, users and all"},
		`{"all":false,` + ok + `}`:            {"needs one of topic"},
		`{"topic":"a","user":"b",` + ok + `}`: {"2 of topic, user, users and all"},
		`{"topic":"a","users":["b"],"all":true,"user":1,` + ok + `}`: {"4 of topic"},
		`{"topics":"a",` + ok + `}`: {`no member "topics"`,
			"topic, user, users, all, event, exclude_connection"},
		`{"topics":null,` + ok + `}`:                              {`no member "topics"`},
		`{"Topic":"a",` + ok + `}`:                                {`no member "Topic"`},
		`{"topic":1,` + ok + `}`:                                  {"topic must be a string"},
		`{"topic":"",` + ok + `}`:                                 {"topic is empty"},
		`{"topic":"a//b",` + ok + `}`:                             {"empty segment"},
		`{"topic":"a/*",` + ok + `}`:                              {"pattern character"},
		`{"topic":"a/../b",` + ok + `}`:                           {"segment of dots"},
		`{"topic":"a\u0000b",` + ok + `}`:                         {"control or invisible"},
		`{"topic":"a\u200bb",` + ok + `}`:                         {"control or invisible"},
		`{"topic":"` + strings.Repeat("a", 256) + `",` + ok + `}`: {"256 bytes", "255"},
		`{"user":true,` + ok + `}`:                                {"user must be a user's id"},
		`{"user":1.5,` + ok + `}`:                                 {"user must be a user's id"},
		`{"user":1e3,` + ok + `}`:                                 {"user must be a user's id"},
		`{"user":{},` + ok + `}`:                                  {"user must be a user's id"},
		`{"user":"",` + ok + `}`:                                  {"user is empty"},
		`{"user":" a",` + ok + `}`:                                {"begins or ends with a space"},
		`{"users":"a",` + ok + `}`:                                {"users must be an array"},
		`{"users":[],` + ok + `}`:                                 {"users is empty"},
		`{"users":["a",null],` + ok + `}`:                         {"an id in users must be"},
		`{"all":"yes",` + ok + `}`:                                {"all must be true or false"},
		`{"all":1,` + ok + `}`:                                    {"all must be true or false"},
		`{"all":true,"exclude_connection":5,` + ok + `}`: {
			"exclude_connection must be a string"},
		`{"all":true,"event":5}`:                           {"event must be a JSON object"},
		`{"all":true,"event":{}}`:                          {"event.kind is missing"},
		`{"all":true,"event":{"kind":"json"}}`:             {"event.data is missing"},
		`{"all":true,"event":{"kind":"json","data":null}}`: {"event.data is missing"},
		`{"all":true,"event":{"kind":"json","data":[]}}`: {
			"data of a json event must be one JSON object"},
		`{"all":true,"event":{"kind":5,"data":{}}}`: {"event.kind must be a string"},
		`{"all":true,"event":{"kind":"jason","data":{}}}`: {`unknown kind "jason"`,
			"telemetry"},
		`{"all":true,"event":{"kind":"json","data":{},"x":1}}`: {`event has no member "x"`,
			"kind, data, id, key, time"},
		`{"all":true,"event":{"kind":"json","data":{},"id":5}}`:                   {"event.id must be a string"},
		`{"all":true,"event":{"kind":"json","data":{},"id":""}}`:                  {"event.id is empty"},
		`{"all":true,"event":{"kind":"json","data":{},"key":5}}`:                  {"event.key must be a string"},
		`{"all":true,"event":{"kind":"json","data":{},"time":""}}`:                {"event.time must be RFC 3339"},
		`{"event":{"kind":"telemetry","data":{"device_id":1}}}`:                   {"data.telemetry is missing"},
		`{"event":{"kind":"telemetry","data":{"device_id":"a/","telemetry":{}}}}`: {"empty segment"},
		`{"all":true,"event":{"kind":"message","data":{"level":"loud","message":""}}}`: {
			"error, warning, success, info"},
	} {
		h := newTestAPI(t, Config{})
		a := h.call("POST", publishPath, body)
		a.refuses(protocol.Malformed, texts...)
		if len(h.node.published) > 0 {
			t.Errorf("%s was published", body)
		}
	}
}

func TestPublish_TooLargeIs413AndNamesTheLimit(t *testing.T) {
	h := newTestAPI(t, Config{MaxEvent: 100})
	data := func(n int) string { return `{"x":"` + strings.Repeat("x", n-8) + `"}` }
	body := func(n int) string { return `{"all":true,"event":{"kind":"json","data":` + data(n) + `}}` }
	h.call("POST", publishPath, body(100)).is(200, `{"delivered":0,"id":"made-1"}`)
	h.call("POST", publishPath, body(101)).refuses(protocol.TooLarge, "event.data has 101 bytes", "limit is 100")
	h.call("POST", publishPath, body(100+publishOverhead)).refuses(protocol.TooLarge, fmt.Sprint(100+publishOverhead))

	chunked := request("POST", publishPath, body(1<<20))
	chunked.ContentLength = -1
	h.do(chunked).refuses(protocol.TooLarge, fmt.Sprint(100+publishOverhead))

	few := newTestAPI(t, Config{MaxUsers: 2})
	few.call("POST", publishPath, `{"users":["a","b","c"],"event":{"kind":"json","data":{}}}`).refuses(
		protocol.TooLarge, "users has 3", "limit is 2")
}

func TestPublish_DataIsNotAPartOfABufferThatIsUsedAgain(t *testing.T) {
	h := newTestAPI(t, Config{})
	for i := range 100 {
		h.call("POST", publishPath, fmt.Sprintf(
			`{"topic":"t%d","event":{"kind":"json","id":"i%d","key":"k%d","data":{"n":%d}}}`, i, i, i, i))
	}
	for i, p := range h.node.published {
		want := fmt.Sprintf(`t%d i%d k%d {"n":%d}`, i, i, i, i)
		if got := fmt.Sprintf("%s %s %s %s", p.to.Topic, p.event.ID, p.event.Key, p.event.Data); got != want {
			t.Fatalf("publish %d is now %s, want %s", i, got, want)
		}
	}
}

func TestPublish_BusyNodeIs503WithTruthfulRetryAfter(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "1", 300 * time.Millisecond: "1", 2100 * time.Millisecond: "3",
		time.Minute: "60"} {
		h := newTestAPI(t, Config{})
		h.node.fail = &protocol.Refusal{Reason: protocol.Busy, RetryAfter: after}
		a := h.call("POST", publishPath, `{"all":true,"event":{"kind":"json","data":{}}}`)
		a.refuses(protocol.Busy)
		if got := a.header.Get("Retry-After"); got != want {
			t.Errorf("after %s: Retry-After %s", after, got)
		}
	}
}

func TestPublish_StuckNodeIs503AfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{RequestTimeout: 3 * time.Second})
		h.node.onPublish = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		started := time.Now()
		h.call("POST", publishPath, `{"all":true,"event":{"kind":"json","data":{}}}`).refuses(protocol.Busy, "3s")
		if took := time.Since(started); took != 3*time.Second {
			t.Errorf("answered after %s", took)
		}
	})
}
