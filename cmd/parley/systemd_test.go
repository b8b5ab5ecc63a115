package main

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// F15: systemd hears from a real process when it serves, that it lives, when it reloads, well or not, and when it ends.
func TestServe_TellsSystemdHowItIs(t *testing.T) {
	t.Parallel()
	address := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	messages := make(chan string, 1000)
	go func() {
		var message [4096]byte
		for n, err := conn.Read(message[:]); err == nil; n, err = conn.Read(message[:]) {
			messages <- string(message[:n])
		}
	}()
	hears := func(parts ...string) {
		t.Helper()
		late := time.After(patience)
		for {
			select {
			case message := <-messages:
				all := true
				for _, part := range parts {
					all = all && strings.Contains(message, part)
				}
				if all {
					return
				}
				if !strings.Contains(message, "WATCHDOG=1") {
					t.Fatalf("systemd heard %q before %q", message, parts)
				}
			case <-late:
				t.Fatalf("systemd did not hear %q", parts)
			}
		}
	}
	file := tenantFile(t, firstKey, firstAPIKey)
	r := serve(t, []string{"NOTIFY_SOCKET=" + address, "WATCHDOG_USEC=2000000"}, "--config", file, "--drain", "3s")
	hears("READY=1", "STATUS=serving on "+strings.TrimPrefix(r.base, "http://"))
	hears("WATCHDOG=1")
	hears("WATCHDOG=1")
	r.signal(syscall.SIGHUP)
	hears("RELOADING=1", "\nMONOTONIC_USEC=")
	hears("READY=1", "STATUS=serving on ")
	rewrite(t, file, "lisen: wrong\n")
	r.signal(syscall.SIGHUP)
	hears("RELOADING=1")
	hears("READY=1", "STATUS=serving with the old configuration")
	r.signal(syscall.SIGTERM)
	hears("STOPPING=1", "\nEXTEND_TIMEOUT_USEC=10000000")
	if status := r.exit(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
