package loadgen

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func TestNext_SplitsFramesAndWaitsForTheRest(t *testing.T) {
	for _, size := range []int{0, 5, 125, 126, 300, 1<<16 - 1, 1 << 16, 1 << 20} {
		payload := strings.Repeat("x", size)
		frame := appendFrame(nil, text, payload)
		head := len(frame) - size - 4
		frame[1] &^= 0x80 // as a server writes it
		frame = append(frame[:head:head], payload...)
		for cut := range min(len(frame), 200) {
			if _, _, n, err := next(frame[:cut]); n != 0 || err != nil {
				t.Fatalf("%d of %d bytes gave %d, %v", cut, len(frame), n, err)
			}
		}
		op, got, n, err := next(append(frame, "more"...))
		if op != text || string(got) != payload || n != len(frame) || err != nil {
			t.Errorf("%d bytes: got %d, %.10q, %d, %v", size, op, got, n, err)
		}
	}
}

func TestNext_RefusesWhatAGeneratorCannotCount(t *testing.T) {
	long := binary.BigEndian.AppendUint64([]byte{final | text, 127}, maxFrame+1)
	for name, c := range map[string]struct {
		frame []byte
		want  error
	}{
		"a first fragment": {[]byte{text, 1, 'x'}, errFragmented},
		"a last fragment":  {[]byte{final, 1, 'x'}, errFragmented},
		"too long":         {long, errTooLong},
		"a negative one":   {binary.BigEndian.AppendUint64([]byte{final | text, 127}, 1<<63), errTooLong},
	} {
		if _, _, _, err := next(c.frame); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestNumber_IsFoundBehindItsMarker(t *testing.T) {
	n, rest, ok := number([]byte(`{"a":1,"t":1234,"s":5}`), []byte(`"t":`))
	if n != 1234 || string(rest) != `,"s":5}` || !ok {
		t.Errorf("got %d, %q, %v", n, rest, ok)
	}
	for _, without := range []string{`{"t":"x"}`, `{}`, ``, `"t":`} {
		if _, _, ok := number([]byte(without), []byte(`"t":`)); ok {
			t.Errorf("%q has a number", without)
		}
	}
}

func TestNew_RefusesWhatIsNotOnLoopback(t *testing.T) {
	for _, address := range []string{"192.0.2.1:80", "[::1]:80", "localhost:80", "127.0.0.1"} {
		if _, err := New(Plan{Address: address}); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}
