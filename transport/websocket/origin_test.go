package websocket

import "testing"

func TestHandshake_AllOriginsMeansAllButNobodys(t *testing.T) {
	all, err := readOrigins([]string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{"http://a.test": true, "https://b.test:99": true, "null": false, "": false, "http://a/b": false} {
		if got := all.allow([]string{origin}, "http://own"); got != want {
			t.Errorf("origin %q: %v", origin, got)
		}
	}
}
