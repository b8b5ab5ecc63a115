package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// smallDisk mounts a disk of 16 MiB for a data directory, and fills it. room takes the filling away.
func smallDisk(t *testing.T) (data string, room func()) {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("a small disk cannot be mounted here (%v); the package server tests the same with one of its own", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	filling := filepath.Join(dir, "filling")
	f, err := os.Create(filling)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	return filepath.Join(dir, "data"), func() {
		if err := os.Remove(filling); err != nil {
			t.Fatal(err)
		}
	}
}

// F10: on a full disk the server starts without its durable topics, obeys signals, and has them when there is room.
func TestServe_AFullDiskAtTheStartKeepsDurableTopicsAloneAway(t *testing.T) {
	data, room := smallDisk(t)
	r := serveDurable(t, data)
	if got, status := r.order("a"); status != http.StatusServiceUnavailable {
		t.Errorf("a durable publish: %d %+v", status, got)
	}
	if status, answer := r.post("dev", `{"topic":"room","event":{"kind":"json","data":{}}}`); status != http.StatusOK {
		t.Errorf("a publish to memory: %d %s", status, answer)
	}
	if status, answer := get(t, r.base+"/readyz"); status != http.StatusOK ||
		!strings.Contains(answer, "disk of durable topics is full") {
		t.Errorf("readyz: %d %s", status, answer)
	}
	conn := r.dial("/api/v2/dashboard/ws")
	if hello, err := next(t, conn); err != nil || !strings.Contains(hello, "connected") {
		t.Errorf("a socket: %q %v", hello, err)
	}
	r.signal(syscall.SIGTERM)
	if _, err := next(t, conn); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("the connection ended with %v, want 1012", err)
	}
	if status := r.exit(); status != 0 {
		t.Errorf("exit status %d of a server whose disk is full", status)
	}

	r = serveDurable(t, data)
	if _, status := r.order("a"); status != http.StatusServiceUnavailable {
		t.Errorf("a durable publish to the second start: %d", status)
	}
	room()
	for late := r.patient(); ; late() {
		if got, status := r.order("a"); status == http.StatusOK {
			if got.Offset != 1 || got.Duplicate {
				t.Errorf("%+v", got)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
