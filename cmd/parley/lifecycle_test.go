package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

const hookSecret = "hook-secret-hook-secret-hook-secret"

// hook is a tenant's backend that listens for lifecycle events. It says 503 to the first batch.
type hook struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	refused bool
	all     []map[string]any
	more    chan struct{} // closed and replaced with each batch
}

func listenForHooks(t *testing.T) *hook {
	h := &hook{t: t, more: make(chan struct{})}
	h.Server = httptest.NewServer(http.HandlerFunc(h.take))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	sum := hmac.New(sha256.New, []byte(hookSecret))
	fmt.Fprintf(sum, "%s.%s", r.Header.Get("Parley-Timestamp"), body)
	if r.Header.Get("Parley-Signature") != "v1="+hex.EncodeToString(sum.Sum(nil)) {
		h.t.Errorf("the signature of %s does not hold", body)
	}
	var batch struct {
		Tenant string
		Lost   int
		Events []map[string]any
	}
	if err := json.Unmarshal(body, &batch); err != nil || batch.Tenant != "acme" || batch.Lost != 0 {
		h.t.Errorf("the batch is %s", body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.refused {
		h.refused = true
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h.all = append(h.all, batch.Events...)
	close(h.more)
	h.more = make(chan struct{})
}

// await waits until so many events have come, and says them in short.
func (h *hook) await(count int) (all []string) {
	h.t.Helper()
	late := time.After(patience)
	for {
		h.mu.Lock()
		events, more := h.all, h.more
		h.mu.Unlock()
		if len(events) >= count {
			for i, e := range events {
				if e["number"] != float64(i+1) {
					h.t.Errorf("event %d is %v", i+1, e)
				}
				all = append(all, brief(e))
			}
			return all
		}
		select {
		case <-more:
		case <-late:
			h.t.Fatalf("%d events came: %v", len(events), events)
		}
	}
}

func brief(event map[string]any) string {
	words := []string{}
	for _, key := range []string{"type", "user", "topic", "reason"} {
		if text, ok := event[key].(string); ok {
			words = append(words, text)
		}
	}
	return strings.Join(words, " ")
}

// hookYAML is a configuration whose tenant tells a hook and a durable topic.
func hookYAML(h *hook, data string) string {
	return tenantYAML(firstKey, firstAPIKey) + "    lifecycle: {topic: true, webhook: {url: '" + h.URL +
		"/hook?x=1', secret: " + hookSecret + "}}\n" +
		"topics: {durable: ['$lifecycle']}\ndata: " + data + "\n"
}

// alice is a Valtronics client that heard the answer to its subscription.
func (r *running) alice(file string) *websocket.Conn {
	r.t.Helper()
	conn := r.dial("/ws")
	signed := parley(r.t, nil, "token", "--user", "alice", "--config", file)
	if signed.status != 0 {
		r.t.Fatal(signed.stderr)
	}
	token := strings.TrimSpace(signed.stdout)
	say(r.t, conn, `{"type":"auth","token":"`+token+`"}`)
	say(r.t, conn, `{"type":"subscribe","channel":"alerts"}`)
	say(r.t, conn, `{"type":"ping"}`)
	for answer := ""; !strings.Contains(answer, "pong"); {
		var err error
		if answer, err = next(r.t, conn); err != nil {
			r.t.Fatal(err)
		}
	}
	return conn
}

var storyOfAlice = []string{"user_online alice", "connected alice", "subscribed alice alerts"}

func TestLifecycle_AWebhookAndATopicHearInOrderWhatClientsDo(t *testing.T) {
	t.Parallel()
	h := listenForHooks(t)
	file := filepath.Join(t.TempDir(), "parley.yaml")
	rewrite(t, file, hookYAML(h, t.TempDir()))
	r := serve(t, nil, "--config", file, "--drain", "5s")
	conn := r.alice(file)
	if got := h.await(3); fmt.Sprint(got) != fmt.Sprint(storyOfAlice) {
		t.Errorf("the webhook heard %q", got)
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	want := append(storyOfAlice[:3:3], "disconnected alice disconnected", "user_offline alice")
	if got := h.await(5); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the webhook heard %q", got)
	}
	r.alice(file)
	r.signal(syscall.SIGTERM)
	if status := r.exit(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	want = append(append(want, storyOfAlice...), "disconnected alice draining", "user_offline alice")
	if got := h.await(10); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("with the drain the webhook heard %q", got)
	}
	again := serve(t, nil, "--config", file)
	if got := again.lifecycle(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after a restart the topic has %q", got)
	}
	if metrics := again.metrics(); !strings.Contains(metrics, `parley_webhook_failing{tenant="acme"} 0`) {
		t.Error("the metrics do not know the webhook")
	}
}

// lifecycle is what the topic has, in short.
func (r *running) lifecycle() (all []string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.base+"/api/v1/topics/"+
		url.PathEscape("$lifecycle")+"/history", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("X-API-Key", firstAPIKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	var page struct {
		Events []struct{ Data map[string]any }
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil || response.StatusCode != http.StatusOK {
		r.t.Fatal(response.Status, err)
	}
	for _, e := range page.Events {
		all = append(all, brief(e.Data))
	}
	return all
}

func (r *running) metrics() string {
	r.t.Helper()
	_, body := get(r.t, r.internal+"/metrics")
	return body
}

func TestLifecycle_SIGHUPSwitchesItAndDropsNobody(t *testing.T) {
	t.Parallel()
	h := listenForHooks(t)
	h.refused = true
	file := filepath.Join(t.TempDir(), "parley.yaml")
	off := tenantYAML(firstKey, firstAPIKey)
	on := off + "    lifecycle: {webhook: {url: '" + h.URL + "', secret: " + hookSecret + "}}\n"
	rewrite(t, file, off)
	r := serve(t, nil, "--config", file)
	stays := r.alice(file)
	reload := func(text, said string) {
		t.Helper()
		rewrite(t, file, text)
		r.signal(syscall.SIGHUP)
		r.log.contains(t, said)
	}
	reload(on, "configuration reloaded")
	for h.silent() { // the engine takes it a moment later
		say(t, stays, `{"type":"subscribe","channel":"telemetry"}`)
		say(t, stays, `{"type":"unsubscribe","channel":"telemetry"}`)
		say(t, stays, `{"type":"ping"}`)
		for answer := ""; !strings.Contains(answer, "pong"); {
			var err error
			if answer, err = next(t, stays); err != nil {
				t.Fatal(err)
			}
		}
	}
	reload(strings.Replace(on, "http:", "gopher:", 1), "the old one stays")
	if err := stays.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	r.await(h, "user_offline alice")
	rewrite(t, file, off)
	r.signal(syscall.SIGHUP)
	for late := r.patient(); strings.Contains(r.metrics(), "parley_webhook_failing{"); late() {
	}
}

func (h *hook) silent() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all) == 0
}

// await waits until the hook has heard this.
func (r *running) await(h *hook, want string) {
	r.t.Helper()
	for count := 1; ; count++ {
		if all := h.await(count); all[len(all)-1] == want {
			return
		}
	}
}
