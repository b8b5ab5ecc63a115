package recorder

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func entry(tenant, user string) Entry { return Entry{Tenant: tenant, User: user} }

func users(found []Entry) (names []string) {
	for _, e := range found {
		names = append(names, e.User)
	}
	return names
}

func TestRecorder_KeepsTheNewestEntries(t *testing.T) {
	const kept, all = 100, 1000
	r := New(kept, 1<<20)
	for i := range all {
		r.Ended(entry("a", fmt.Sprint(i)))
	}
	found, more := r.Connections(Query{Tenant: "a"}, all)
	if len(found) != kept || more != 0 || found[0].User != "999" || found[kept-1].User != "900" {
		t.Errorf("kept %d entries, %v", len(found), users(found))
	}
	if f := r.Metrics()["connections"]; f.Entries != kept || f.Evicted != all-kept {
		t.Errorf("metrics are %+v", f)
	}
}

func TestRecorder_IsBoundedInBytes(t *testing.T) {
	const most = 64 << 10
	r := New(10_000, most)
	for range 1000 {
		r.Refused(Entry{User: strings.Repeat("x", 1<<20), Origin: strings.Repeat("y", 1<<20)})
		if f := r.Metrics()["refusals"]; f.Bytes > most || f.Entries == 0 {
			t.Fatalf("metrics are %+v", f)
		}
	}
	New(10, 1).Refused(Entry{}) // no room for even one
	r = New(0, most)
	r.Ended(Entry{})
	if r.On() || r.Metrics()["connections"].Entries != 0 {
		t.Error("a recorder of 0 entries keeps one")
	}
}

func TestRecorder_PagesGoOnWhereTheyEndedWhileEntriesCome(t *testing.T) {
	r := New(100, 1<<20)
	for i := range 5 {
		r.Ended(entry("a", fmt.Sprint(i)))
	}
	page, more := r.Connections(Query{Tenant: "a"}, 2)
	r.Ended(entry("a", "5"))
	rest, end := r.Connections(Query{Tenant: "a", Before: more}, 3)
	if got := append(users(page), users(rest)...); !slices.Equal(got, []string{"4", "3", "2", "1", "0"}) || end != 0 {
		t.Errorf("pages have %v, and go on at %d", got, end)
	}
}

func TestRecorder_TenantsDoNotMeet(t *testing.T) {
	r := New(100, 1<<20)
	for _, tenant := range []string{"a", "b", ""} {
		r.Refused(entry(tenant, "of "+tenant))
	}
	for _, q := range []Query{{Tenant: "a"}, {Tenant: "b"}, {}} {
		if found, _ := r.Refusals(q, 10); len(found) != 1 || found[0].Tenant != q.Tenant {
			t.Errorf("%q sees %v", q.Tenant, users(found))
		}
	}
	if found, _ := r.Refusals(Query{All: true}, 10); len(found) != 3 {
		t.Errorf("operators see %v", users(found))
	}
}

// A reason without a sentence or with an empty one would leave somebody without an answer.
func TestEntry_EveryReasonHasASentence(t *testing.T) {
	for _, reason := range protocol.Reasons() {
		for _, by := range []By{Server, Client, Network} {
			e := Entry{Opened: time.Unix(1, 0), Close: Close{By: by, Reason: reason, Code: 1001, Detail: "more."}}
			said := e.Why()
			if accounts[reason].why == "" || !strings.HasSuffix(said, ": more.") || strings.Contains(said, "..") {
				t.Errorf("%s by the %s: %q", reason, by, said)
			}
		}
	}
	if len(accounts) != len(protocol.Reasons()) {
		t.Errorf("%d accounts for %d reasons", len(accounts), len(protocol.Reasons()))
	}
}

func TestTrace_TheFirstEndingCounts(t *testing.T) {
	var noted, settled, both Trace
	client := Close{By: Client, Code: 1001}
	server := Close{By: Server, Code: 1008, Reason: protocol.Slow, QueuedFrames: 3}
	noted.Note(client)
	settled.Decide(server)
	settled.Note(client)
	settled.Decide(Close{Reason: protocol.Lost})
	both.Note(client)
	both.Decide(server)
	for name, c := range map[string]struct {
		trace *Trace
		want  Close
	}{
		"noted": {&noted, client}, "settled": {&settled, server},
		"noted and settled": {&both, Close{By: Client, Code: 1001, Reason: protocol.Slow, QueuedFrames: 3}},
	} {
		var e Entry
		if c.trace.End(&e); e.Close != c.want {
			t.Errorf("%s: %+v", name, e.Close)
		}
	}
}

func TestLast_HoldsTheNewestMessagesInTheirOrder(t *testing.T) {
	var last Last
	if frames := last.Frames(0); len(frames) != 0 {
		t.Errorf("before any: %v", frames)
	}
	for i := range 6 {
		last.Set(uint64(i), i%2 == 1, i)
	}
	want := []Frame{{"text", 2}, {"binary", 3}, {"text", 4}, {"binary", 5}}
	if frames := last.Frames(6); !slices.Equal(frames, want) {
		t.Errorf("frames are %v", frames)
	}
	last.Set(6, false, 1<<40)
	if last.Frames(7)[3].Bytes != 1<<31-1 {
		t.Error("a size that does not fit is not the largest")
	}
	if allocs := testing.AllocsPerRun(100, func() { last.Set(7, true, 9) }); allocs != 0 {
		t.Errorf("a message costs %v allocations", allocs)
	}
}
