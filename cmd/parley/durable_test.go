package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// serveDurable starts a server that keeps orders and what lies below on disk.
func serveDurable(t *testing.T, dir string) *running {
	t.Helper()
	r := serve(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_TOPICS_DURABLE=orders/*"}, "--dev", "--feed=false",
		"--data", dir)
	for late := r.patient(); ; late() { // on a busy machine its store may open behind it
		if status, _ := get(t, r.base+"/readyz"); status == http.StatusOK {
			return r
		}
	}
}

// receipt is the answer to a publish.
type receipt struct {
	Epoch     string `json:"epoch"`
	Offset    uint64 `json:"offset"`
	Duplicate bool   `json:"duplicate"`
}

// order publishes; the status is 0 if there was no answer.
func (r *running) order(id string) (got receipt, status int) {
	status, body, err := r.try("dev", http.MethodPost, "/api/v1/publish",
		fmt.Sprintf(`{"topic":"orders/1","event":{"kind":"json","id":%q,"data":{}}}`, id))
	if err != nil || json.Unmarshal([]byte(body), &got) != nil {
		return got, 0
	}
	return got, status
}

// reliability.md checks 29, 36 and 47, with a kill each: what was answered is there, in order and once, and a publisher
// that tries again gets the answer that it missed. bench/faults does it a hundred times.
func TestServe_AnsweredPublishesSurviveKills(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	answered := map[string]receipt{}
	var mu sync.Mutex
	for round := range 3 {
		r := serveDurable(t, dir)
		var publishers sync.WaitGroup
		enough := make(chan struct{}, 400)
		for p := range 4 {
			publishers.Go(func() {
				for i := 0; ; i++ {
					id := fmt.Sprintf("%d-%d-%d", round, p, i)
					got, status := r.order(id)
					if status != 200 {
						return // killed
					}
					mu.Lock()
					answered[id] = got
					mu.Unlock()
					select {
					case enough <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 100 {
			<-enough
		}
		r.signal(syscall.SIGKILL)
		<-r.ended
		publishers.Wait()
	}
	r := serveDurable(t, dir)
	there := map[string]uint64{}
	for offset, epoch := uint64(0), ""; ; {
		var page struct {
			Epoch  string `json:"epoch"`
			Offset uint64 `json:"offset"`
			Events []struct {
				ID     string `json:"id"`
				Offset uint64 `json:"offset"`
			} `json:"events"`
		}
		path := "/api/v1/topics/orders%2F1/history?limit=1000"
		if epoch != "" {
			path += fmt.Sprintf("&epoch=%s&offset=%d", epoch, offset)
		}
		if err := json.Unmarshal([]byte(r.call("GET", path)), &page); err != nil {
			t.Fatal(err)
		}
		if epoch = page.Epoch; len(page.Events) == 0 {
			break
		}
		for _, e := range page.Events {
			if e.Offset != offset+1 || there[e.ID] != 0 {
				t.Fatalf("%s at %d comes behind %d, or again", e.ID, e.Offset, offset)
			}
			there[e.ID], offset = e.Offset, e.Offset
		}
	}
	for id, got := range answered {
		if there[id] != got.Offset || got.Duplicate {
			t.Fatalf("%s was answered with %+v and is at %d", id, got, there[id])
		}
	}
	for id, offset := range there {
		again, _ := r.order(id)
		if !again.Duplicate || again.Offset != offset {
			t.Fatalf("%s again: %+v, it is at %d", id, again, offset)
		}
		break
	}
	t.Logf("%d answered, %d there", len(answered), len(there))
}

func TestServe_DurableTopicsNeedADirectory(t *testing.T) {
	t.Parallel()
	got := parley(t, []string{"PARLEY_TOPICS_DURABLE=orders/*"}, "serve", "--dev", "--listen", "127.0.0.1:0")
	if got.status == 0 || !strings.Contains(got.stderr,
		"data: is missing: there are durable topics; name a directory for them (--data DIR)") {
		t.Errorf("%d %s", got.status, got.stderr)
	}
	dir := t.TempDir()
	serveDurable(t, dir)
	second := parley(t, []string{"PARLEY_TOPICS_DURABLE=orders/*"}, "serve", "--dev", "--listen", "127.0.0.1:0",
		"--data", dir)
	if second.status == 0 || strings.Count(second.stderr, "\n") != 1 ||
		!strings.Contains(second.stderr, "another process") {
		t.Errorf("%d %s", second.status, second.stderr)
	}
}
