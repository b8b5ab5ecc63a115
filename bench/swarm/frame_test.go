package swarm

import (
	"strings"
	"testing"
)

func TestNext_SplitsFramesAndWaitsForTheRest(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, text := range []string{"", "hello", strings.Repeat("x", 125), strings.Repeat("x", 126), long} {
		frame := appendText(nil, text)
		head := len(frame) - len(text) - 4
		frame[1] &^= 0x80 // as a server writes it
		frame = append(frame[:head:head], text...)
		for cut := range frame {
			if _, _, n, err := next(frame[:cut]); n != 0 || err != nil {
				t.Fatalf("%d of %d bytes gave %d, %v", cut, len(frame), n, err)
			}
		}
		op, payload, n, err := next(append(frame, "more"...))
		if op != 1 || string(payload) != text || n != len(frame) || err != nil {
			t.Errorf("%.10q: got %d, %.10q, %d, %v", text, op, payload, n, err)
		}
	}
	if _, _, _, err := next([]byte{0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}); err == nil {
		t.Error("a frame of 64 KiB was taken")
	}
}

func TestNumber_IsFoundBehindItsMarker(t *testing.T) {
	if n, ok := number([]byte(`{"a":1,"t":1234,"s":5}`), []byte(`"t":`)); n != 1234 || !ok {
		t.Errorf("got %d, %v", n, ok)
	}
	if _, ok := number([]byte(`{"t":"x"}`), []byte(`"t":`)); ok {
		t.Error("no digits were a number")
	}
}

func TestNew_RefusesWhatIsNotOnLoopback(t *testing.T) {
	for _, address := range []string{"192.0.2.1:80", "[::1]:80", "localhost:80", "127.0.0.1"} {
		if _, err := New(Plan{Address: address}); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}
