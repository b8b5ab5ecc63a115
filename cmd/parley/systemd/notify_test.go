package systemd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/systemd"
)

// manager is systemd's end of the socket.
type manager struct{ *net.UnixConn }

func listen(t *testing.T, address string) manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return manager{conn}
}

// hears wants the next message to be as a pattern says.
func (m manager) hears(t *testing.T, pattern string) {
	t.Helper()
	var message [4096]byte
	n, err := m.Read(message[:])
	if err != nil || !regexp.MustCompile(`^(?s:`+pattern+`)$`).Match(message[:n]) {
		t.Errorf("%q %v, want %q", message[:n], err, pattern)
	}
}

func environment(entries ...string) func(string) string {
	return func(name string) string {
		for _, entry := range entries {
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// F15: the messages of sd_notify, to a socket in a directory and to an abstract one.
func TestNotifier_TellsSystemdHowTheServiceIs(t *testing.T) {
	for _, address := range []string{filepath.Join(t.TempDir(), "notify"),
		fmt.Sprintf("@parley-test-%d", os.Getpid())} {
		m := listen(t, address)
		n := systemd.New(environment("NOTIFY_SOCKET="+address, "WATCHDOG_USEC=30000000", "WATCHDOG_PID="+
			strconv.Itoa(os.Getpid())))
		n.Ready("serving on 127.0.0.1:1")
		m.hears(t, "READY=1\nSTATUS=serving on 127.0.0.1:1")
		n.Reloading()
		m.hears(t, "RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+\nSTATUS=reloading")
		n.Stopping(37*time.Second, "two\nlines\nREADY=1")
		m.hears(t, "STOPPING=1\nEXTEND_TIMEOUT_USEC=37000000\nSTATUS=two lines READY=1")
		n.Alive()
		m.hears(t, "WATCHDOG=1")
		if n.Interval() != 15*time.Second {
			t.Errorf("%s, want half of the time", n.Interval())
		}
	}
}

// F15: without systemd, or with one that speaks otherwise, nothing happens.
func TestNotifier_WithoutASocketDoesNothing(t *testing.T) {
	var none *systemd.Notifier
	for _, n := range []*systemd.Notifier{none, {}, systemd.New(environment()),
		systemd.New(environment("NOTIFY_SOCKET=vsock:2:1", "WATCHDOG_USEC=1000")),
		systemd.New(environment("NOTIFY_SOCKET=/nowhere/at/all", "WATCHDOG_PID=1", "WATCHDOG_USEC=1000")),
		systemd.New(environment("NOTIFY_SOCKET=/nowhere", "WATCHDOG_USEC=soon"))} {
		n.Ready("")
		n.Reloading()
		n.Stopping(time.Second, "")
		n.Watch(context.Background(), func(context.Context) error { t.Error("it was looked at"); return nil })
		if n.Interval() != 0 {
			t.Errorf("a watchdog every %s", n.Interval())
		}
	}
}

// F15: a systemd that takes no messages holds up nothing.
func TestNotifier_NeverWaitsForSystemd(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	m := listen(t, address)
	n := systemd.New(environment("NOTIFY_SOCKET=" + address))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 15 { // more than the queue of such a socket holds
			n.Ready("")
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("it waits")
	}
	m.hears(t, "READY=1\nSTATUS=")
}

// F15: the watchdog hears of a service as long as that is well; one bad moment is looked at again before it is too
// late.
func TestWatch_TellsAsLongAsTheServiceIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := systemd.New(environment("NOTIFY_SOCKET=@parley-nobody", "WATCHDOG_USEC=30000000"))
		ctx, cancel := context.WithCancel(t.Context())
		var looks atomic.Int64
		var sick atomic.Bool
		go n.Watch(ctx, func(context.Context) error {
			looks.Add(1)
			if sick.Load() {
				return errors.New("not well")
			}
			return nil
		})
		for _, step := range []struct {
			sick bool
			for_ time.Duration
			want int64
		}{{false, time.Minute, 5}, {true, 15 * time.Second, 6}, {true, 10 * time.Second, 16},
			{false, time.Minute, 20}} {
			sick.Store(step.sick)
			time.Sleep(step.for_)
			synctest.Wait()
			if got := looks.Load(); got != step.want {
				t.Errorf("%d looks, want %d", got, step.want)
			}
		}
		cancel()
	})
}
