package conformance

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"compress/flate"
)

// The output of other compressors inflates to what went in, message for message, with their references to messages
// before.
func TestInflate_ReadsWhatCompressorsWrite(t *testing.T) {
	t.Parallel()
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		d := inflater{window: 1 << 15}
		for _, m := range materials {
			for _, n := range []int{0, 1, 300, 40000} {
				data := m.make(n)
				b.Reset()
				w.Write(data)
				w.Flush()
				got, err := d.message(b.Bytes())
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("level %d, %s of %d bytes: %d bytes, %v", level, m.name, n, len(got), err)
				}
			}
		}
	}
}

func TestInflate_HoldsAServerToItsWindow(t *testing.T) {
	t.Parallel()
	data := append(append(noise(1000), zeros(3000)...), noise(1000)...) // the same 1,000 bytes, 4,000 apart
	payload := flushed(data)
	if _, err := (&inflater{window: 1 << 12}).message(payload); err != nil {
		t.Errorf("a window of 4,096 bytes is enough: %v", err)
	}
	if _, err := (&inflater{window: 1 << 11}).message(payload); !errors.Is(err, errWindow) {
		t.Errorf("a window of 2,048 bytes is too small: %v", err)
	}
}

func TestInflate_RefusesWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string][]byte{
		"reserved type":        {0x06, 0, 0},
		"reference to nothing": reachingBack(),
		"wrong stored length":  []byte("\x00\x05\x00\x00\x00hello"),
		"cut short":            flushed(prose(500))[:60],
		"noise":                filled(0xff, 40),
	} {
		if got, err := (&inflater{window: 1 << 15}).message(payload); err == nil {
			t.Errorf("%s is %d bytes", name, len(got))
		}
	}
}

// Whatever comes, the inflater ends and agrees with Go's, which knows no small windows.
func FuzzInflate(f *testing.F) {
	f.Add(flushed(prose(100)))
	f.Add(append(finalBlock(prose(100)), 0, 0, 0, 0xff, 0xff))
	f.Add(fixedBlock([]byte("hello")))
	f.Add(storedBlock([]byte("hello")))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := (&inflater{window: 1 << 15}).message(payload)
		r := bytes.NewReader(payload)
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(r), inflateLimit))
		if r.Len() > 0 || wantErr == io.ErrUnexpectedEOF {
			return // more after a final block, or no final block: Go's reader has stopped elsewhere
		}
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%x: %x, %v; Go's: %x, %v", payload, got, err, want, wantErr)
		}
	})
}
