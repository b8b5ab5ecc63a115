package server

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/cmd/parley/config"
)

// fullDisk has no room for another file while it is full, and then takes none if it is broken.
type fullDisk struct {
	vfs.FS
	full, broken atomic.Bool
}

func (d *fullDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	switch {
	case d.full.Load():
		return nil, syscall.ENOSPC
	case d.broken.Load():
		return nil, syscall.EROFS
	}
	return d.FS.Create(name, c)
}

// onFullDisk is dev mode's configuration with durable orders, on a disk that is full.
func onFullDisk(t *testing.T) (config.Config, *fullDisk) {
	t.Helper()
	cfg, disk := devConfig(t), &fullDisk{FS: vfs.NewMem()}
	disk.full.Store(true)
	cfg.Data, cfg.Topics.Durable, cfg.Store.Files = t.TempDir(), []string{"orders/*"}, disk
	return cfg, disk
}

// publish publishes to a topic, and returns the status, Retry-After and the answer.
func publish(t *testing.T, s *Server, topic string) (status int, retry, answer string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://"+s.Address()+"/api/v1/publish",
		strings.NewReader(`{"topic":"`+topic+`","event":{"kind":"json","data":{}}}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-Key", config.DevAPIKey)
	return do(t, request)
}

func do(t *testing.T, request *http.Request) (status int, retry, answer string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Retry-After"), string(body)
}

// ready asks /readyz.
func ready(t *testing.T, s *Server) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+s.Internal()+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	status, _, answer = do(t, request)
	return status, answer
}

// refusesOrders wants durable topics to be refused, said by /readyz, and all else to be served.
func refusesOrders(t *testing.T, s *Server) {
	t.Helper()
	status, retry, answer := publish(t, s, "orders/1")
	if status != http.StatusServiceUnavailable || retry == "" || !strings.Contains(answer, "storage_full") ||
		!strings.Contains(answer, "disk") {
		t.Errorf("a durable publish: %d, Retry-After %q, %s", status, retry, answer)
	}
	if status, _, answer := publish(t, s, "room"); status != http.StatusOK {
		t.Errorf("a publish to memory: %d %s", status, answer)
	}
	if status, answer := ready(t, s); status != http.StatusOK || !strings.Contains(answer, `"storage":"the disk`) {
		t.Errorf("readyz: %d %s", status, answer)
	}
}

// takesOrders waits until durable publishes are taken, and /readyz has nothing to say of the disk.
func takesOrders(t *testing.T, s *Server) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		status, _, answer := publish(t, s, "orders/1")
		isReady, said := ready(t, s)
		if status == http.StatusOK && isReady == http.StatusOK && !strings.Contains(said, "storage") {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("though there is room: a durable publish is %d %s; readyz is %d %s", status, answer, isReady, said)
		}
	}
}

// F10: a full disk at the start leaves durable topics out until there is room, and nothing else.
func TestNew_OnAFullDiskServesAllButDurableTopicsUntilThereIsRoom(t *testing.T) {
	waitsInRealTime(t)
	cfg, disk := onFullDisk(t)
	s := run(t, cfg)
	refusesOrders(t, s)
	disk.full.Store(false)
	takesOrders(t, s)
}

// F10: a server ends although its store still waits for room.
func TestClose_DoesNotWaitForRoomOnADisk(t *testing.T) {
	waitsInRealTime(t)
	cfg, disk := onFullDisk(t)
	s := run(t, cfg)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	closed := make(chan struct{})
	go func() { s.Close(ctx); close(closed) }()
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Fatal("Close waits for the disk")
	}
	disk.full.Store(false)
}

// F10: a reload that makes the first topic durable does not hang on a full disk, and its topics are there with the
// room.
func TestReload_AFirstDurableTopicOnAFullDiskWaitsForRoom(t *testing.T) {
	waitsInRealTime(t)
	cfg, disk := onFullDisk(t)
	durable := cfg.Topics.Durable
	cfg.Topics.Durable = nil
	s := run(t, cfg)
	cfg.Topics.Durable = durable
	for range 2 { // the second one finds it waiting
		if err := s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		refusesOrders(t, s)
	}
	disk.full.Store(false)
	takesOrders(t, s)
}

// F10: a directory that cannot be used is an error of the start, and of a reload, which changes nothing.
func TestReload_ADirectoryThatCannotBeUsedChangesNothing(t *testing.T) {
	wrong := func() string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "topics"), nil, 0o600); err != nil { // where a directory should be
			t.Fatal(err)
		}
		return dir
	}
	cfg := devConfig(t)
	cfg.Data = wrong()
	s := run(t, cfg)
	cfg.Topics.Durable = []string{"orders/*"}
	if err := s.Reload(cfg); err == nil || !strings.Contains(err.Error(), "store of durable topics") {
		t.Errorf("reload: %v", err)
	}
	if status, _, answer := publish(t, s, "orders/1"); status != http.StatusOK {
		t.Errorf("the old configuration has it in memory: %d %s", status, answer)
	}
	cfg.Data = wrong()
	if s, err := New(cfg, Options{}, s.log); err == nil || !strings.Contains(err.Error(), "store of durable topics") {
		t.Errorf("a start: %v", err)
		if err == nil {
			s.Close(context.Background())
		}
	}
}

// F10: a store that cannot be opened after all ends a server that was started with it, in order and with the reason;
// one that was reloaded stays as it is.
func TestFailed_AStoreThatCannotBeOpenedAfterAllEndsTheStartAlone(t *testing.T) {
	waitsInRealTime(t)
	for _, reloaded := range []bool{false, true} {
		cfg, disk := onFullDisk(t)
		disk.broken.Store(true)
		durable := cfg.Topics.Durable
		if reloaded {
			cfg.Topics.Durable = nil
		}
		s := run(t, cfg)
		if cfg.Topics.Durable = durable; reloaded {
			if err := s.Reload(cfg); err != nil {
				t.Fatal(err)
			}
		}
		refusesOrders(t, s)
		disk.full.Store(false)
		if !reloaded {
			select {
			case err := <-s.Failed():
				if !strings.Contains(err.Error(), "store of durable topics") {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it does not say that it failed")
			}
			continue
		}
		awaitAnswer(t, "the failure", func() bool {
			_, _, answer := publish(t, s, "orders/1")
			return strings.Contains(answer, "could not be opened")
		})
		disk.broken.Store(false)
		awaitAnswer(t, "the store after another reload", func() bool {
			if err := s.Reload(cfg); err != nil {
				t.Fatal(err)
			}
			status, _, _ := publish(t, s, "orders/1")
			return status == http.StatusOK
		})
	}
}

// awaitAnswer asks until something has come about.
func awaitAnswer(t *testing.T, what string, came func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !came(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s does not come about", what)
		}
	}
}
