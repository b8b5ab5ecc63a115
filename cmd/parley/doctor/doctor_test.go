package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/webhook"
)

// plain is a dialect in which the server answers the token with "in", or with why not.
var plain = client.Dialects{"plain": {
	Open: protocol.OpenAt("/ws"), Subscribe: protocol.NoTopics, HearsUnasked: true, ExplainsTokens: true,
	Login: func(token string) [][]byte { return [][]byte{[]byte(token)} },
	Admitted: func(frame []byte) (bool, error) {
		if string(frame) != "in" {
			return false, errors.New(string(frame))
		}
		return true, nil
	},
}}

// server is a server behind a proxy, with what a test has broken of it.
type server struct {
	skew      time.Duration
	stripped  bool // the proxy takes Upgrade away
	remote    string
	cut       bool // the proxy cuts silent connections
	buffered  bool
	publishes chan struct{}
	sockets   atomic.Int32
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().Add(s.skew).UTC().Format(http.TimeFormat))
	switch r.URL.Path {
	case "/ws":
		s.socket(w, r)
	case "/api/v1/connections":
		var all []map[string]string
		for i := range s.sockets.Load() {
			all = append(all, map[string]string{"id": fmt.Sprintf("ws-%d", i), "remote_address": s.remote})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"connections": all, "cursor": ""})
	case "/api/v1/publish":
		s.publishes <- struct{}{}
	case "/api/v1/events":
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		select {
		case <-s.publishes:
			if !s.buffered {
				fmt.Fprint(w, "data: {}\n\n")
				return
			}
		case <-r.Context().Done():
		}
		<-r.Context().Done()
	}
}

// socket lets in whoever shows the token "good".
func (s *server) socket(w http.ResponseWriter, r *http.Request) {
	if s.stripped {
		http.Error(w, "upgrade required", http.StatusUpgradeRequired)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	_, token, err := conn.Read(r.Context())
	if err != nil {
		return
	}
	said := "in"
	if string(token) != "good" {
		said = "refused: token_expired"
	}
	s.sockets.Add(1)
	if conn.Write(r.Context(), websocket.MessageText, []byte(said)) != nil || s.cut {
		return
	}
	_, _, _ = conn.Read(r.Context()) // its close frame
}

// machine are the kernel's files of one where all is well.
var machine = map[string]string{
	"proc/self/limits":            "Limit  Soft  Hard\nMax open files            1048576    1048576    files\n",
	"proc/sys/net/core/somaxconn": "4096\n",
	"proc/sys/net/ipv4/tcp_mem":   "191739\t255655\t383478\n",
	"proc/net/sockstat":           "sockets: used 120\nTCP: inuse 12 orphan 0 tw 1 alloc 13 mem 7\n",
	"proc/self/cgroup":            "0::/system.slice/parley.service\n",
	"sys/fs/cgroup/memory.max":    "max\n",
	unit + "memory.max":           "1073741824\n",
}

const unit = "sys/fs/cgroup/system.slice/parley.service/"

// world is where all is well, but for what a test breaks.
type world struct {
	files  map[string]string
	server *server
	hook   int // the status of the webhook
	*Setup
}

// healthy is a world whose server speaks no TLS.
func healthy(t *testing.T) *world {
	t.Helper()
	w := &world{files: maps.Clone(machine), hook: 204,
		server: &server{remote: "127.0.0.1", publishes: make(chan struct{}, 1)}}
	front := httptest.NewServer(w.server)
	t.Cleanup(front.Close)
	hook := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Parley-Signature") == "" {
			t.Error("the batch is not signed")
		}
		out.WriteHeader(w.hook)
	}))
	t.Cleanup(hook.Close)
	w.Setup = &Setup{Root: t.TempDir(), API: client.API{Base: front.URL, Key: "key"}, Token: "good", Dialects: plain,
		Idle: 50 * time.Millisecond, Promptly: time.Minute, Data: t.TempDir(),
		Sync:        func(string) (time.Duration, error) { return time.Millisecond, nil },
		MemoryLimit: func() (int64, string) { return 900 << 20, "90 % of the cgroup's" },
		KeySets:     1, ProbeKeySets: func(context.Context) []string { return nil },
		Webhooks: map[string]func(context.Context) error{"acme": func(ctx context.Context) error {
			return webhook.Probe(ctx, webhook.Config{URL: hook.URL, Secret: strings.Repeat("s", 16)}, "acme")
		}}}
	return w
}

// look looks at a world.
func (w *world) look(t *testing.T, names ...string) []Finding {
	t.Helper()
	for name, content := range w.files {
		path := filepath.Join(w.Root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700),
			os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return Look(t.Context(), w.Setup, names...)
}

// overTLS has the world's server speak TLS, with the protocols that a proxy offers.
func (w *world) overTLS(t *testing.T, protocols ...string) {
	t.Helper()
	front := httptest.NewUnstartedServer(w.server)
	front.TLS = &tls.Config{NextProtos: protocols}
	front.Config.ErrorLog = nil
	front.StartTLS()
	t.Cleanup(front.Close)
	w.API.Base, w.Roots = front.URL, x509.NewCertPool()
	w.Roots.AddCert(front.Certificate())
}

func TestDoctor_FindsNothingWhereAllIsWell(t *testing.T) {
	secure, w := healthy(t), healthy(t)
	secure.overTLS(t, "http/1.1")
	found := append(w.look(t), secure.look(t, "certificate", "alpn")...)
	seen := map[string]Verdict{}
	for _, f := range found {
		if seen[f.Check] = f.Verdict; f.Verdict != Well && f.Verdict != Skipped || f.Fix != "" {
			t.Errorf("%+v", f)
		}
	}
	if Count(found, Well) != 15 || len(seen) != 15 {
		t.Errorf("%d are well: %v", Count(found, Well), seen)
	}
}

// broken are set-ups in each of which one thing is wrong, by the check that has to find it.
var broken = map[string]func(t *testing.T, w *world){
	"descriptors": func(_ *testing.T, w *world) {
		w.files["proc/self/limits"] = "Max open files            1024      1048576    files\n"
	},
	"somaxconn": func(_ *testing.T, w *world) { w.files["proc/sys/net/core/somaxconn"] = "128\n" },
	"tcp_mem":   func(_ *testing.T, w *world) { w.files["proc/sys/net/ipv4/tcp_mem"] = "1024 2048 4096\n" },
	"clock":     func(_ *testing.T, w *world) { w.server.skew = -time.Hour },
	"certificate": func(t *testing.T, w *world) {
		w.overTLS(t)
		w.Roots = x509.NewCertPool() // of somebody else
	},
	"alpn":      func(t *testing.T, w *world) { w.overTLS(t, "spdy/3") },
	"upgrade":   func(_ *testing.T, w *world) { w.server.stripped = true },
	"forwarded": func(_ *testing.T, w *world) { w.server.remote = "10.0.0.9" },
	"idle":      func(_ *testing.T, w *world) { w.server.cut, w.Idle = true, time.Minute },
	"buffering": func(_ *testing.T, w *world) { w.server.buffered, w.Promptly = true, 10*time.Millisecond },
	"token":     func(_ *testing.T, w *world) { w.Token = "old" },
	"jwks": func(_ *testing.T, w *world) {
		w.ProbeKeySets = func(context.Context) []string { return []string{"down"} }
	},
	"webhook": func(_ *testing.T, w *world) { w.hook = 500 },
	"fsync": func(_ *testing.T, w *world) {
		w.Sync = func(string) (time.Duration, error) { return time.Second, nil }
	},
	"memory": func(_ *testing.T, w *world) { w.files[unit+"memory.max"] = "536870912\n" },
}

// Each of the 15 broken set-ups is found by its check, which says how to repair it.
func TestDoctor_FindsEachOfFifteenBrokenSetups(t *testing.T) {
	if names := Names(); len(broken) != 15 || len(names) != 15 {
		t.Fatalf("%d set-ups for %d checks", len(broken), len(names))
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := healthy(t)
			broken[name](t, w)
			found := w.look(t, name)
			if len(found) != 1 || found[0].Verdict != Wrong || found[0].Fix == "" || found[0].What == "" ||
				found[0].Measured == "" {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// A check that lacks what it needs is skipped, and one that cannot look says so; neither is wrong.
func TestDoctor_SaysWhatItLacksAndWhereItCouldNotLook(t *testing.T) {
	bare := &Setup{Root: t.TempDir(), API: client.API{Base: "http://127.0.0.1:1"}, Dialects: plain}
	verdicts := map[string]Verdict{}
	for _, f := range Look(t.Context(), bare) {
		verdicts[f.Check] = f.Verdict
	}
	want := map[string]Verdict{}
	for _, name := range Names() {
		want[name] = Skipped
	}
	for _, name := range []string{"descriptors", "somaxconn", "tcp_mem", "clock", "upgrade"} {
		want[name] = Unknown
	}
	if !maps.Equal(verdicts, want) {
		t.Errorf("%v\nwant\n%v", verdicts, want)
	}
	w := healthy(t)
	w.TokenMade, w.Token = true, "guess"
	if found := w.look(t, "token", "idle"); Count(found, Skipped) != 2 {
		t.Errorf("a token that nobody has given: %+v", found)
	}
	w = healthy(t)
	w.Data = filepath.Join(w.Root, "missing")
	if w.Sync = nil; w.look(t, "fsync")[0].Verdict != Unknown {
		t.Error("a directory that is not there was looked at")
	}
	if w.Data = t.TempDir(); w.look(t, "fsync")[0].Verdict == Unknown {
		t.Error("a directory could not be looked at")
	}
	if left, err := os.ReadDir(w.Data); err != nil || len(left) > 0 {
		t.Errorf("the check leaves %v behind, %v", left, err)
	}
}

func TestForwarded_JudgesTheAddressThatTheServerHas(t *testing.T) {
	for _, c := range []struct {
		own, address string
		want         Verdict
	}{
		{"198.51.100.4", "198.51.100.4", Well}, {"198.51.100.4", "10.0.0.1", Wrong}, {"198.51.100.4", stranger, Wrong},
		{"127.0.0.1", stranger, Unknown},
	} {
		if got := seen(c.own, c.address); got.verdict != c.want {
			t.Errorf("%s is seen as %s: %+v, want %s", c.own, c.address, got, c.want)
		}
	}
}

// In version 1 of cgroups each controller has a line, and no limit is a huge number.
func TestMemory_ReadsBothVersionsOfCgroups(t *testing.T) {
	w := healthy(t)
	w.files = map[string]string{"proc/self/cgroup": "12:pids:/a\n4:cpu,memory:/a/b\n",
		"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",
		"sys/fs/cgroup/memory/a/memory.limit_in_bytes":   "104857600\n"}
	if found := w.look(t, "memory"); found[0].Verdict != Wrong || !strings.Contains(found[0].Measured, "of 100 MiB") {
		t.Errorf("%+v", found)
	}
	w = healthy(t)
	w.files = map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}
	if found := w.look(t, "memory"); found[0].Verdict != Skipped {
		t.Errorf("%+v", found)
	}
}

func TestLook_TakesTheNamedChecksAlone(t *testing.T) {
	found := healthy(t).look(t, "somaxconn", "clock")
	var names []string
	for _, f := range found {
		names = append(names, f.Check)
	}
	if !slices.Equal(names, []string{"somaxconn", "clock"}) || Count(found, Well) != 2 {
		t.Errorf("%+v", found)
	}
}
