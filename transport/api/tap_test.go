package api

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

const tapPath = "/api/v1/users/alice/tap"

func TestTap_NeedsTheAdminKeyAndTheViewerKeyIsNotEnough(t *testing.T) {
	h := newTestAPI(t, Config{AdminKey: "k1", ViewerKey: "viewer"})
	viewer := request("GET", tapPath, "")
	viewer.Header.Set("Authorization", "Bearer viewer")
	h.do(viewer).refuses(protocol.Forbidden, "admin key")
	h.do(Trust(viewer, "acme")).refuses(protocol.Forbidden, "admin key") // the console lets viewers in
	for _, query := range []string{"?for=0s", "?for=2h", "?for=x", "?x=y"} {
		h.call("GET", tapPath+query, "").refuses(protocol.Malformed)
	}
	h.call("GET", tapPath+"?tenant=nobody", "").refuses(protocol.NotFound)
	if a := h.call("HEAD", tapPath, ""); a.status != 405 {
		t.Errorf("HEAD: %d", a.status)
	}
}

func TestTap_EndsByItselfAndIsInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{AdminKey: "k1"})
		began := time.Now()
		a := h.call("GET", tapPath+"?for=40s", "")
		if a.status != 200 || a.header.Get("Content-Type") != "text/event-stream" ||
			a.header.Get("X-Accel-Buffering") != "no" || strings.Count(a.body, ": heartbeat\n\n") != 2 ||
			!strings.HasSuffix(a.body, "event: end\ndata: {\"why\":\"its time is over\"}\n\n") {
			t.Errorf("%+v", a)
		}
		if took := time.Since(began); took != 40*time.Second {
			t.Errorf("it took %s", took)
		}
		for _, word := range []string{"an operator taps frames", "a tap ended", "alice"} {
			if !strings.Contains(h.log.String(), word) {
				t.Errorf("the log lacks %q: %s", word, h.log)
			}
		}
	})
}

func TestTap_EndsWhenItsReaderGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{AdminKey: "k1"})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		h.do(request("GET", tapPath, "").WithContext(ctx))
		if !strings.Contains(h.log.String(), `why="its reader left"`) {
			t.Errorf("%s", h.log)
		}
	})
}

// stalled is a reader that reads nothing before the gate opens.
type stalled struct {
	*httptest.ResponseRecorder
	gate chan struct{}
}

func (s stalled) Write(text []byte) (int, error) {
	<-s.gate
	return s.ResponseRecorder.Write(text)
}

func TestTap_TellsASlowReaderHowManyFramesItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{AdminKey: "k1"})
		w := stalled{httptest.NewRecorder(), make(chan struct{})}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.Internal().ServeHTTP(w, request("GET", "/api/v1/topics/room/tap?for=1m", ""))
		}()
		synctest.Wait()
		for range 1024 + 5 { // nobody waits for the reader
			h.node.taps.Encoded("acme", "room", "notify", &outbox.Frame{Op: outbox.Text, Data: []byte(`{"a":1}`)})
		}
		close(w.gate)
		<-ended
		text := w.Body.String()
		if n := strings.Count(text, `"raw":"{\"a\":1}"`); n != 1024 || !strings.HasPrefix(text, ": tapping\n\n"+
			"event: dropped\ndata: {\"frames\":5}\n\ndata: ") {
			t.Errorf("%d frames: %.200s", n, text)
		}
		if !strings.Contains(h.log.String(), "frames=1024 dropped=5") {
			t.Errorf("%s", h.log)
		}
	})
}
