package durable

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestOperation_IsReadAsItWasWritten(t *testing.T) {
	rule := Rule{Bounds: keepAll.Bounds, Dedup: time.Minute}
	all := []operation{
		{op: opAdd, tenant: "a", topic: "b", now: -5, dedup: true, rule: &rule, body: []byte("body")},
		{op: opAdd, tenant: "a", topic: "b", now: 1, body: []byte{}},
		{op: opTrim, tenant: "a", topic: "b", epoch: "e", offset: 1 << 60},
		{op: opForget, tenant: "a", topic: "b", offset: 7},
		{op: opReseed, seed: [16]byte{1, 15: 2}, relaxedOnly: true},
		{
			op: opRepair, tenant: "a", topic: "b",
			head: head{floor: 1, newest: 2, sum: 3, total: 4, at: -5, salt: 6, rule: rule},
		},
	}
	var b []byte
	for i := range all {
		b = all[i].append(b)
	}
	c := cursor{rest: b}
	var got operation
	for i := range all {
		if !got.decode(&c) || !reflect.DeepEqual(got, all[i]) {
			t.Fatalf("%+v, want %+v", got, all[i])
		}
	}
	if got.decode(&c) || c.failed {
		t.Error("there is more")
	}
}

// No entry of a log makes the state machine panic, and an entry that is cut short is noticed.
func FuzzOperation(f *testing.F) {
	o := operation{op: opAdd, tenant: "a", topic: "b", now: 1, dedup: true, rule: &Rule{}, body: []byte("body")}
	f.Add(o.append(nil))
	for op := range byte(8) {
		f.Add([]byte{op, 1, 'a', 1, 'b', 3, 3, 3})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := cursor{rest: slices.Clone(data)}
		var o operation
		for o.decode(&c) {
			eventID(o.body)
			countedBytes(o.body)
			_, _ = decodeEvent("room", o.body)
		}
		if !c.failed && len(c.rest) > 0 {
			t.Fatal("it ended before the end")
		}
	})
}
