package tap

import (
	"testing"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// newTaps are those of a node on which connection 7 is alice's and 8 bob's.
func newTaps() *Taps {
	users := map[uint64]string{7: "alice", 8: "bob"}
	return &Taps{Outboxes: &outbox.Shared{}, Find: func(tenant string, number uint64) (info.Source, bool) {
		return info.Source{User: users[number]}, tenant == "acme" && users[number] != ""
	}}
}

func open(t *testing.T, taps *Taps, of Target) *Tap {
	t.Helper()
	p, err := taps.Open(of)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTaps_EachSeesWhatItIsAbout(t *testing.T) {
	taps := newTaps()
	connection := open(t, taps, Target{Tenant: "acme", Number: 7})
	user := open(t, taps, Target{Tenant: "acme", User: "alice"})
	topic := open(t, taps, Target{Tenant: "acme", Topic: "room"})
	other := open(t, taps, Target{Tenant: "other", User: "alice"})
	taken := *taps.Outboxes.Taken.Load()
	frame := &outbox.Frame{Op: outbox.Text, Data: []byte("a"), Next: &outbox.Frame{Data: []byte("b")}}
	taken(7, []*outbox.Frame{frame})
	taken(8, []*outbox.Frame{frame})
	taken(9, []*outbox.Frame{frame})
	taps.Encoded("acme", "room", "words", frame)
	taps.Encoded("acme", "room", "words", nil)
	taps.Encoded("acme", "hall", "words", frame)
	said := protocol.ClientMessage{Data: []byte("{}"), Binary: true}
	taps.Received("acme", 7, info.Source{User: "alice"}, said, []protocol.Command{protocol.Subscribe{Topic: "room"}})
	taps.Received("acme", 8, info.Source{User: "bob"}, said, []protocol.Command{protocol.Unsubscribe{Topic: "hall"}})
	for i, c := range []struct {
		tap  *Tap
		want int
	}{{connection, 3}, {user, 3}, {topic, 3}, {other, 0}} {
		if got := len(c.tap.Frames()); got != c.want {
			t.Errorf("tap %d: %d frames, want %d", i, got, c.want)
		}
	}
	for _, p := range []*Tap{connection, user, topic, other} {
		p.Close()
	}
	if taps.Any() || taps.Outboxes.Taken.Load() != nil {
		t.Error("something is on while nobody taps")
	}
}

func TestTaps_AreBoundedInNumberFramesAndBytes(t *testing.T) {
	taps := newTaps()
	for range maxTaps {
		open(t, taps, Target{Tenant: "acme", User: "alice"})
	}
	if _, err := taps.Open(Target{Tenant: "acme", User: "alice"}); protocol.AsRefusal(err).Reason != protocol.Busy {
		t.Errorf("one more: %v", err)
	}
	_, err := newTaps().Open(Target{Tenant: "acme", Number: 9})
	if protocol.AsRefusal(err).Reason != protocol.NotFound {
		t.Errorf("no such connection: %v", err)
	}
	p := open(t, newTaps(), Target{Tenant: "acme", Number: 7})
	for range maxFrames + 5 {
		p.offerAll(&outbox.Frame{Data: []byte("{}")}, info.Source{})
	}
	if n := p.Dropped(); n != 5 || len(p.Frames()) != maxFrames {
		t.Errorf("%d were dropped", n)
	}
	for range maxFrames {
		p.Done(<-p.Frames())
	}
	large := &outbox.Frame{Data: make([]byte, maxBytes/2+1)}
	p.offerAll(large, info.Source{})
	p.offerAll(large, info.Source{})
	if n := p.Dropped(); n != 1 || p.Ended() {
		t.Errorf("%d large ones were dropped", n)
	}
	p.Done(<-p.Frames())
	p.offerAll(large, info.Source{})
	if p.Dropped() != 0 || p.bytes.Load() != int64(len(large.Data)) {
		t.Error("there was room again")
	}
}
