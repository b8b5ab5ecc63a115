package protocol

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Backends read these texts: a change here is a change of what is promised to them.
func TestLifecycle_IsSaidInTheseWords(t *testing.T) {
	at := time.Date(2026, 1, 31, 13, 0, 0, 250e6, time.FixedZone("CET", 3600))
	for want, l := range map[string]Lifecycle{
		`{"type":"user_online","epoch":"E","number":1,"time":"2026-01-31T12:00:00.250Z","user":"ann"}`: {
			Type: UserOnline, Number: 1, User: "ann"},
		`{"type":"connected","epoch":"E","number":2,"time":"2026-01-31T12:00:00.250Z",` +
			`"connection":"ws-1","dialect":"notify"}`: {
			Type: Connected, Number: 2, Connection: "ws-1", Dialect: "notify"},
		`{"type":"subscribed","epoch":"E","number":3,"time":"2026-01-31T12:00:00.250Z",` +
			`"user":"a\"\u0001�","connection":"ws-1","dialect":"notify","topic":"a/b","restored":true}`: {
			Type: Subscribed, Number: 3, User: "a\"\x01\xff", Connection: "ws-1", Dialect: "notify", Topic: "a/b",
			Restored: true},
		`{"type":"disconnected","epoch":"E","number":4,"time":"2026-01-31T12:00:00.250Z",` +
			`"user":"ann","connection":"ws-1","dialect":"notify","reason":"revoked","code":1008,"by":"server",` +
			`"seconds":61.500,"received":3,"sent":17}`: {
			Type: Disconnection, Number: 4, User: "ann", Connection: "ws-1", Dialect: "notify",
			Left: &Leaving{Reason: Revoked, Code: 1008, ByServer: true, Lasted: 61500 * time.Millisecond, Received: 3,
				Sent: 17}},
		`{"type":"disconnected","epoch":"E","number":5,"time":"2026-01-31T12:00:00.250Z",` +
			`"connection":"ws-1","reason":"lost","code":1001,"by":"client","lingers":true,"seconds":0.000,` +
			`"received":0,"sent":0}`: {
			Type: Disconnection, Number: 5, Connection: "ws-1",
			Left: &Leaving{Reason: Lost, Code: 1001, Lingers: true}},
	} {
		l.Epoch, l.Time = "E", at
		got := l.AppendJSON(nil)
		if string(got) != want {
			t.Errorf("said as\n%s, want\n%s", got, want)
		}
		if err := rawjson.Check(got); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func TestReserved_IsTheLifecycleTopicAndWhatLiesBelow(t *testing.T) {
	for topic, want := range map[string]bool{"$lifecycle": true, "$lifecycle/a": true, "$lifecycles": false,
		"lifecycle": false, "a/$lifecycle": false} {
		if Reserved(topic) != want {
			t.Errorf("%s: %t", topic, !want)
		}
	}
	if err := CheckTopic(LifecycleTopic); err != nil {
		t.Errorf("backends could not name it: %v", err)
	}
}

func TestLifecycleTypes_AreAsManyAsThereAre(t *testing.T) {
	all := LifecycleTypes()
	if slices.Sort(all); len(slices.Compact(all)) != 6 {
		t.Errorf("%q", all)
	}
}
