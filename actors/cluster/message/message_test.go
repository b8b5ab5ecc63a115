package message

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// samples has a message of each kind with all of its fields.
func samples() (all []Message) {
	for k := Leads; int(k) < len(fields); k++ {
		m := Message{Kind: k, Slot: 3, Term: 1 << 40}
		for f, set := range map[field]func(){
			topic:  func() { m.Topic = "acme\x00rooms/7" },
			epoch:  func() { m.Epoch = "e1" },
			offset: func() { m.Offset = 300 },
			origin: func() { m.Origin, m.Start = 2, 1<<63 },
			number: func() { m.Number = 9 },
			count:  func() { m.Count = 10_000 },
			flag:   func() { m.Flag = true },
			body:   func() { m.Body = []byte(`{"x":1}`) },
		} {
			if fields[k]&f != 0 {
				set()
			}
		}
		all = append(all, m)
	}
	return all
}

func TestMessage_EachKindKeepsItsFields(t *testing.T) {
	for _, want := range samples() {
		var got Message
		if err := got.Decode(want.Append(nil)); err != nil {
			t.Errorf("kind %d: %v", want.Kind, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("kind %d is %+v, was %+v", want.Kind, got, want)
		}
	}
}

func TestMessage_AnUnknownKindIsToldApartFromDamage(t *testing.T) {
	var m Message
	for _, kind := range []byte{0, byte(len(fields)), 255} {
		if err := m.Decode([]byte{kind, 1, 2, 3}); !errors.Is(err, ErrUnknown) {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
	for _, sample := range samples() {
		whole := sample.Append(nil)
		whole = whole[:len(whole)-len(sample.Body)]
		for n := range whole {
			if err := m.Decode(whole[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("kind %d without its end: %v", sample.Kind, err)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range samples() {
		f.Add(m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		var m, again Message
		if m.Decode(frame) != nil {
			return
		}
		encoded := m.Append(nil)
		if err := again.Decode(encoded); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Append(nil), encoded) {
			t.Fatal("a message changes when it is sent on")
		}
	})
}
