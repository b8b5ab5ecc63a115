package fanout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
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

// A model test: whatever the filters are, every subscriber hears, in order, a part of what it wants, and the newest of
// each key.
func TestHold_WhateverTheFiltersEachHearsTheNewestThatItWants(t *testing.T) {
	for seed := range uint64(200) {
		rng, h := rand.New(rand.NewPCG(seed, 5)), newHolder(t)
		h.batch.Count = 1 << 20
		levels := []string{"low", "mid", "high"}
		var all []*outbox.Outbox
		var wants [][]string
		for number := range uint64(5) {
			some := levels[rng.IntN(3):]
			all, wants = append(all, h.come(number+1, filtersFor(protocol.Filter{
				Where: []protocol.Condition{{Attribute: "level", In: some}}}))), append(wants, some)
		}
		wanted := make([][]string, len(all))
		for i := range 40 {
			level, key, exclude := levels[rng.IntN(3)], fmt.Sprint("k", rng.IntN(3)), uint64(rng.IntN(12))
			data := fmt.Sprintf(`{"n":%d,"level":%q}`, i, level)
			ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Key: key, Data: []byte(data)})
			if err != nil {
				t.Fatal(err)
			}
			ev.Topic = "telemetry/x"
			d := NewDelivery(ev, true)
			d.Batch, d.Born, d.Exclude = &h.batch, 1, exclude
			h.offset++
			count, _, _ := h.Hold(engine{}, d, h.offset)
			for j := range all {
				if slices.Contains(wants[j], level) && uint64(j+1) != exclude {
					wanted[j], count = append(wanted[j], key+" "+data), count-1
				}
			}
			if count != 0 {
				t.Fatalf("seed %d: event %d: %d too many are counted", seed, i, count)
			}
		}
		h.FlushLatest(engine{}, time.Now())
		for j, o := range all {
			got, newest := heard(o), map[string]string{}
			for _, said := range wanted[j] {
				newest[said[:2]] = said
			}
			rest := wanted[j]
			for _, said := range got {
				at := slices.Index(rest, said)
				if at < 0 {
					t.Fatalf("seed %d: %d heard %q of %q", seed, j+1, got, wanted[j])
				}
				rest = rest[at+1:]
			}
			for key, said := range newest {
				if !slices.Contains(got, said) {
					t.Errorf("seed %d: %d did not hear the newest of %s, %s: %q", seed, j+1, key, said, got)
				}
			}
		}
	}
}
