package fanout

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Parts of an event that a subscriber did not want are not told to it with a newer one.
func TestHold_AnEventJoinsNoneThatASubscriberWithAFilterDoesNotWant(t *testing.T) {
	h := newHolder(t)
	on := protocol.Filter{Where: []protocol.Condition{{Attribute: "status", In: []string{"on"}}}}
	a, b := h.come(1, everything), h.come(2, filtersFor(on))
	for i, e := range []struct{ part, status string }{{"temp", "off"}, {"hum", "on"}} {
		ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Telemetry, Data: fmt.Appendf(nil,
			`{"device_id":"x","status":%q,"telemetry":{%q:%d}}`, e.status, e.part, i)})
		if err != nil {
			t.Fatal(err)
		}
		ev.Topic = "telemetry/x"
		d := NewDelivery(ev, true)
		d.Batch, d.Born = &h.batch, 1
		h.offset++
		h.Hold(engine{}, d, h.offset)
	}
	h.FlushLatest(engine{}, time.Now())
	h.wantHeard(b, "x hum=1")
	if got := fmt.Sprint(heard(a)); got != "[x temp=0 x hum=1]" && got != "[x temp=0 hum=1]" {
		t.Error(got)
	}
}

// What joined events say counts, too.
func TestHold_IsFullWithTooManyBytesOfPartsThatJoined(t *testing.T) {
	h := newHolder(t)
	h.come(1, everything)
	full := false
	for i := 0; i < 2*maxHeldBytes/100 && !full; i++ {
		ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Telemetry, Data: fmt.Appendf(nil,
			`{"device_id":"x","telemetry":{"part%06d":{"value":1,"unit":%q}}}`, i, fmt.Sprintf("%060d", i))})
		if err != nil {
			t.Fatal(err)
		}
		ev.Topic = "telemetry/x"
		d := NewDelivery(ev, true)
		d.Batch, d.Born = &h.batch, 1
		h.offset++
		_, _, full = h.Hold(engine{}, d, h.offset)
	}
	if !full {
		t.Error("what joined is not bounded")
	}
}
