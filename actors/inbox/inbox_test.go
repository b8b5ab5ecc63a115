package inbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func message(id string, bytes int) *protocol.Event {
	return &protocol.Event{ID: id, Kind: protocol.Message, Data: []byte(strings.Repeat("x", bytes))}
}

// delivered are the ids of the first events that wait; the inbox keeps those after them.
func delivered(in *Inbox, first int) (ids []string) {
	in.Deliver(func(ev *protocol.Event) bool {
		if len(ids) == first {
			return false
		}
		ids = append(ids, ev.ID)
		return true
	})
	return ids
}

func TestInbox_ForgetsTheOldestAboveItsCount(t *testing.T) {
	tenant, now := NewTenant(Bounds{Count: 3, Age: time.Hour}), time.Now()
	in := tenant.Open()
	forgotten := 0
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		forgotten += in.Put(message(id, 10), now)
	}
	if _, bytes := tenant.Stats(); forgotten != 2 || bytes != 3*(10+beside) {
		t.Errorf("it forgot %d, %d bytes wait", forgotten, bytes)
	}
	if got := delivered(in, 2); !slices.Equal(got, []string{"c", "d"}) {
		t.Errorf("two that were taken: %v", got)
	}
	if got := delivered(in, 2); !slices.Equal(got, []string{"e"}) || !in.Empty() {
		t.Errorf("what waited on: %v", got)
	}
	in.Close()
	if inboxes, bytes := tenant.Stats(); inboxes != 0 || bytes != 0 {
		t.Errorf("in the end %d bytes wait in %d inboxes", bytes, inboxes)
	}
}

func TestInbox_ForgetsTheOldestAboveItsBytes(t *testing.T) {
	tenant, now := NewTenant(Bounds{Count: 100, Age: time.Hour}), time.Now()
	in := tenant.Open()
	in.Put(message("a", 1000), now)
	in.Put(message("b", 1000), now)
	largest := message("c", MaxBytes-beside)
	if !tenant.Accepts(largest) || tenant.Accepts(message("d", MaxBytes-beside+1)) {
		t.Error("it accepts an event that is too large, or refuses the largest")
	}
	if forgotten := in.Put(largest, now); forgotten != 2 {
		t.Errorf("it forgot %d", forgotten)
	}
	if got := delivered(in, 100); !slices.Equal(got, []string{"c"}) {
		t.Errorf("it delivered %v", got)
	}
}

func TestInbox_ForgetsWhatWaitsTooLong(t *testing.T) {
	tenant, now := NewTenant(Bounds{Count: 100, Age: time.Hour}), time.Now()
	in := tenant.Open()
	in.Put(message("a", 10), now)
	in.Put(message("b", 10), now.Add(time.Minute))
	if next := in.Next(); !next.Equal(now.Add(time.Hour)) {
		t.Errorf("it forgets next at %s", next.Sub(now))
	}
	if forgotten := in.Expire(now.Add(time.Hour - 1)); forgotten != 0 {
		t.Errorf("it forgot %d too early", forgotten)
	}
	if forgotten := in.Expire(now.Add(time.Hour)); forgotten != 1 || in.Empty() {
		t.Errorf("it forgot %d at the first's time", forgotten)
	}
	if forgotten := in.Put(message("c", 10), now.Add(2*time.Hour)); forgotten != 1 {
		t.Errorf("it forgot %d when it got another", forgotten)
	}
	if got := delivered(in, 100); !slices.Equal(got, []string{"c"}) {
		t.Errorf("it delivered %v", got)
	}
}

func TestTenant_AcceptsMessagesAndOnlyWhenInboxesAreOn(t *testing.T) {
	for name, c := range map[string]struct {
		count    int
		kind     protocol.Kind
		accepted bool
	}{
		"a message":     {1, protocol.Message, true},
		"another kind":  {1, protocol.JSON, false},
		"without inbox": {0, protocol.Message, false},
	} {
		tenant := NewTenant(Bounds{Count: c.count, Age: time.Hour})
		if got := tenant.Accepts(&protocol.Event{Kind: c.kind}); got != c.accepted {
			t.Errorf("%s: accepted is %t", name, got)
		}
	}
}

func TestTenant_IsFullWithTooManyInboxesOrBytes(t *testing.T) {
	tenant, now := NewTenant(Bounds{Count: 1, Age: time.Hour}), time.Now()
	for range maxInboxes - 1 {
		tenant.Open()
	}
	if tenant.Full() {
		t.Error("one below the bound of inboxes it is full")
	}
	last := tenant.Open()
	if !tenant.Full() {
		t.Error("at the bound of inboxes it is not full")
	}
	if last.Close(); tenant.Full() {
		t.Error("it stays full when an inbox was closed")
	}
	tenant.Reset()
	large := message("a", MaxBytes-beside)
	for range maxTenantBytes/MaxBytes - 1 {
		tenant.Open().Put(large, now)
	}
	if tenant.Full() {
		t.Error("one below the bound of bytes it is full")
	}
	last = tenant.Open()
	if last.Put(large, now); !tenant.Full() {
		t.Error("at the bound of bytes it is not full")
	}
	if last.Expire(now.Add(time.Hour)); tenant.Full() {
		t.Error("it stays full when events were forgotten")
	}
}
