package api

import (
	"compress/gzip"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

const pprofPath = "/debug/pprof/"

func TestProfile_IsForTheAdminKeyAlone(t *testing.T) {
	h := newTestAPI(t, Config{AdminKey: "k1", ViewerKey: "v1"})
	if a := h.call("GET", pprofPath+"goroutine?debug=1", ""); !strings.HasPrefix(a.body, "goroutine profile: ") ||
		!strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%+v", a)
	}
	for key, want := range map[string]protocol.Reason{"v1": protocol.Forbidden, "k2": protocol.InvalidToken} {
		r := request("GET", pprofPath+"heap", "")
		r.Header.Set("Authorization", "Bearer "+key)
		h.do(r).refuses(want)
	}
	w := httptest.NewRecorder()
	h.Public().ServeHTTP(w, request("GET", pprofPath+"heap", ""))
	if w.Code != 404 {
		t.Errorf("the public address answers %d", w.Code)
	}
}

// The command line may hold secrets, so it is no profile.
func TestProfile_RefusesWhatItDoesNotKnow(t *testing.T) {
	h := newTestAPI(t, Config{AdminKey: "k1"})
	for path, want := range map[string]protocol.Reason{
		"cmdline": protocol.NotFound, "nothing": protocol.NotFound, "heap?debug=3": protocol.Malformed,
		"heap?debug=x": protocol.Malformed, "profile?seconds=0": protocol.Malformed,
		"profile?seconds=61": protocol.Malformed, "trace?seconds=1.5": protocol.Malformed,
		"heap?gc=1": protocol.Malformed,
	} {
		h.call("GET", pprofPath+path, "").refuses(want)
	}
	if a := h.call("GET", pprofPath+"nothing", ""); !strings.Contains(a.body, "goroutine, heap, mutex, profile") {
		t.Errorf("the answer does not say what there is: %s", a.body)
	}
	if a := h.call("HEAD", pprofPath+"profile", ""); a.status != 405 {
		t.Errorf("HEAD: %d", a.status)
	}
}

func TestProfile_OneThatLastsIsTakenOnceAtATime(t *testing.T) {
	h := newTestAPI(t, Config{AdminKey: "k1"})
	h.profiling.Lock()
	h.call("GET", pprofPath+"profile", "").refuses(protocol.Busy)
	h.profiling.Unlock()
	for _, path := range []string{"profile?seconds=60", "trace?seconds=60"} {
		h.takeProfile(t, path)
	}
}

// takeProfile takes a profile whose reader has gone, so that it ends at once.
func (h *testAPI) takeProfile(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, w := request("GET", pprofPath+path, "").WithContext(ctx), httptest.NewRecorder()
	r.Header.Set("Authorization", "Bearer k1")
	h.Internal().ServeHTTP(w, r)
	switch body := w.Body; {
	case w.Code != 200:
		t.Errorf("%s: %d %s", path, w.Code, body)
	case strings.HasPrefix(path, "trace"):
		if !strings.HasPrefix(body.String(), "go 1.") {
			t.Errorf("no trace: %.20q", body)
		}
	default:
		if unpacked, err := gzip.NewReader(body); err != nil {
			t.Error(err)
		} else if _, err := io.Copy(io.Discard, unpacked); err != nil {
			t.Errorf("no whole profile: %v", err)
		}
	}
}
