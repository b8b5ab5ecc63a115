//go:build !race

package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// A plain publish on the fast path, from its request to the node's call, makes this much garbage and no more: the
// event, its data, its members and their names, and the texts of topic, id and kind.
func TestPublish_AllocatesLittle(t *testing.T) {
	const most = 8
	h := &handler{api: New(Config{}, quickNode{newFakeNode()}, fakeKeys{"k1": "acme"})}
	for _, r := range publicRoutes {
		if r.path == publishPath {
			h.add(r)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	r := request("POST", publishPath, "x").WithContext(ctx)
	body := bytes.NewReader(payload)
	r.Body, r.ContentLength = io.NopCloser(body), int64(len(payload))
	w := &deadlined{discard{header: http.Header{}}}
	got := testing.AllocsPerRun(1000, func() {
		body.Reset(payload)
		clear(w.header)
		h.ServeHTTP(w, r)
	})
	if w.status != http.StatusOK || got > most {
		t.Errorf("status %d, %v allocations, want at most %d", w.status, got, most)
	}
}

// deadlined is a ResponseWriter as the fast path has one.
type deadlined struct{ discard }

func (*deadlined) SetReadDeadline(time.Time) error { return nil }
