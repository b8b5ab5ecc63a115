package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// serving is a server with a data directory and durable topics by these patterns.
func serving(t *testing.T, dir, patterns string) *running {
	t.Helper()
	return serve(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_TOPICS_DURABLE=" + patterns}, "--dev", "--feed=false",
		"--data", dir)
}

// numbered publishes events with the ids from first to last to a topic, and returns where the last one is.
func (r *running) numbered(topic string, first, last int) (got receipt) {
	r.t.Helper()
	for i := first; i <= last; i++ {
		status, body := r.post("dev", fmt.Sprintf(`{"topic":%q,"event":{"kind":"json","id":"%d","data":{}}}`, topic, i))
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
			r.t.Fatal(status, body)
		}
	}
	return got
}

// behind reads orders behind a position, as a reader that resumes: the ids, or that the position is lost.
func (r *running) behind(at receipt) (ids []string, lost bool) {
	r.t.Helper()
	status, body := r.askAs("dev", http.MethodGet,
		fmt.Sprintf("/api/v1/topics/orders/history?epoch=%s&offset=%d&limit=1000", at.Epoch, at.Offset), "")
	if status == http.StatusConflict {
		return nil, true
	}
	var page struct{ Events []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
		r.t.Fatal(status, body)
	}
	for _, e := range page.Events {
		ids = append(ids, e.ID)
	}
	return ids, false
}

func (r *running) kill() {
	r.t.Helper()
	r.signal(syscall.SIGKILL)
	<-r.ended
}

// shell runs a command of the system.
func shell(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// F5: the data directory of a killed server is copied at offset 5, the server goes on to 10, and the copy is put back.
// 8 new events get 6 to 13; a reader that heard 10 of the life that is lost is told so at every moment, and so is each
// later one; a kill in between costs nobody a place.
func TestServe_ACopyThatIsPutBackTellsReadersThatTheirPositionIsLost(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-r", "-a"} {
		t.Run("cp "+flag, func(t *testing.T) {
			dir, backup := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup")
			r := serving(t, dir, "orders")
			five := r.numbered("orders", 1, 5)
			r.kill()
			shell(t, "cp", flag, dir, backup)
			r = serving(t, dir, "orders")
			ten := r.numbered("orders", 6, 10)
			if ids, lost := r.behind(five); lost || len(ids) != 5 {
				t.Errorf("after a kill alone: %v, lost %v", ids, lost)
			}
			r.kill()
			shell(t, "rm", "-rf", dir)
			shell(t, "cp", flag, backup, dir)
			r = serving(t, dir, "orders")
			var now receipt
			for id := 101; id <= 108; id++ {
				if _, lost := r.behind(ten); !lost {
					t.Fatalf("a reader at %+v of a topic at %+v is not told", ten, now)
				}
				now = r.numbered("orders", id, id)
			}
			if _, lost := r.behind(ten); !lost || now.Offset != 13 {
				t.Errorf("at %+v a reader at %+v is not told", now, ten)
			}
			r.kill()
			r = serving(t, dir, "orders")
			if ids, lost := r.behind(receipt{Epoch: now.Epoch, Offset: 12}); lost || fmt.Sprint(ids) != "[108]" {
				t.Errorf("after a kill: %v, lost %v", ids, lost)
			}
		})
	}
}

// F6: rules that make a topic durable, then not, then durable again, with the store open meanwhile and with it closed:
// its readers from before are told, and those of a topic that was durable all the time go on.
func TestServe_ATopicThatWasNotDurableMeanwhileTellsItsReaders(t *testing.T) {
	t.Parallel()
	for between, kept := range map[string]bool{"": false, "audit": false, "orders/*": false, "orders,audit": true,
		"*": true} {
		t.Run("durable: "+between, func(t *testing.T) {
			dir := t.TempDir()
			r := serving(t, dir, "orders")
			at := r.numbered("orders", 1, 3)
			r.kill()
			r = serving(t, dir, between)
			r.numbered("orders", 4, 5)
			r.kill()
			r = serving(t, dir, "orders")
			now := r.numbered("orders", 6, 7)
			ids, lost := r.behind(at)
			if lost == kept || kept && fmt.Sprint(ids) != "[4 5 6 7]" {
				t.Errorf("a reader at %+v of a topic at %+v gets %v, lost %v", at, now, ids, lost)
			}
		})
	}
}
