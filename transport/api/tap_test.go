package api

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
