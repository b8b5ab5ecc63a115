package resume

import (
	"testing"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// missed counts what a store gives up, by reason.
type missed map[protocol.Reason]int

func (m missed) Missed(reason protocol.Reason, events int) { m[reason] += events }

func TestStore_BoundsEachTenantAndAllTogether(t *testing.T) {
	lost := missed{}
	l := NewStore(lost)
	mine := &Session{Tenant: "small", size: 1000}
	l.Add(mine)
	var of []*Session
	for range maxPerTenant + 5 {
		rec := &Session{Tenant: "large", size: 10}
		of = append(of, rec)
		l.Add(rec)
	}
	if records, _ := l.Stats(); records != maxPerTenant+1 || lost[protocol.TooMany] != 5 ||
		l.Take(of[4]) || !l.Take(of[5]) {
		t.Errorf("%d sessions, missed %v", records, lost)
	}
	for i := len(of) - 1; i > 5; i-- { // from the middle and the end, too
		if !l.Take(of[i]) {
			t.Fatal("a session is gone")
		}
	}
	for range 2 * maxBytes / MaxSession {
		l.Add(&Session{Tenant: "large", size: MaxSession})
	}
	if _, bytes := l.Stats(); bytes > maxBytes || !l.Take(mine) {
		t.Errorf("%d bytes, or the small tenant pays for the large one", bytes)
	}
	l.Forget("large", func(*Session) bool { return true })
	if records, bytes := l.Stats(); records != 0 || bytes != 0 || len(l.tenants) != 0 {
		t.Errorf("%d sessions, %d bytes, %d tenants are left", records, bytes, len(l.tenants))
	}
}

// DESIGN.md section 8, promise 6: whoever has the most gives way.
func TestStore_ATenantThatFillsItTakesNothingFromAnother(t *testing.T) {
	l := NewStore(missed{})
	var first *Session
	for i := range maxBytes / MaxSession {
		rec := &Session{Tenant: "noisy", size: MaxSession}
		if l.Add(rec); i == 0 {
			first = rec
		}
	}
	mine := &Session{Tenant: "quiet", size: sessionSize}
	l.Add(mine)
	for range 100 {
		if !l.Append(mine, &outbox.Frame{Op: outbox.Text, Data: make([]byte, 1000-16)}) {
			t.Fatal("an event to the quiet one's user was not kept")
		}
	}
	if _, bytes := l.Stats(); first.held || !mine.held || len(mine.sent) != 100 || bytes > maxBytes {
		t.Errorf("%d bytes, the noisy one's oldest is held: %t, the quiet one has %d",
			bytes, first.held, len(mine.sent))
	}
}
