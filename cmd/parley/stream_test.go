package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// serveInto starts a server whose stderr is a pipe, and reads that up to the line that it serves. Later lines wait
// in the pipe until the test reads or closes it.
func serveInto(t *testing.T, environ []string, args ...string) (r *running, stderr *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	r = &running{t: t, ended: make(chan struct{}), log: &transcript{}}
	r.cmd = command(t, append([]string{"PARLEY_LOG_FORMAT=json"}, environ...),
		append([]string{"serve", "--dev", "--feed=false", "--listen", "127.0.0.1:0"}, args...)...)
	r.cmd.Stderr = write
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		read.Close()
		_ = r.cmd.Process.Kill()
		<-r.ended
	})
	if err := read.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewReaderSize(read, 16); ; { // a small buffer leaves in the pipe what comes later
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("no line that it serves: %v", err)
		}
		var line struct{ Msg, Address string }
		if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "serving" {
			r.base, r.internal = "http://"+line.Address, "http://"+line.Address
			return r, read
		}
	}
}

// lostOf waits until lines of the log are lost for a reason; each look makes some more, at level debug.
func (r *running) lostOf(reason string) {
	r.t.Helper()
	for late := r.patient(); ; late() {
		for range 200 {
			get(r.t, r.base+"/healthz")
		}
		_, body := get(r.t, r.internal+"/metrics")
		_, after, found := strings.Cut(body, `parley_log_lines_lost_total{reason="`+reason+`"} `)
		if !found {
			r.t.Fatal("lost lines are not counted at all")
		}
		if !strings.HasPrefix(after, "0\n") {
			return
		}
	}
}

// drained wants a server to end its client as if its log were read, with exit status 0.
func (r *running) drained(conn *websocket.Conn) {
	r.t.Helper()
	if hello, err := next(r.t, conn); err != nil || !strings.Contains(hello, "connected") {
		r.t.Fatalf("%q %v", hello, err)
	}
	r.signal(syscall.SIGTERM)
	if _, err := next(r.t, conn); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		r.t.Errorf("the connection ended with %v, want 1012", err)
	}
	if status := r.exit(); status != 0 {
		r.t.Errorf("exit status %d", status)
	}
}

var debugLog = []string{"PARLEY_LOG_LEVEL=debug"}

// F8: the reader of stderr goes away, as when journald is restarted: the server serves, counts, and drains.
func TestServe_OutlivesTheReaderOfItsLog(t *testing.T) {
	t.Parallel()
	r, stderr := serveInto(t, debugLog)
	stderr.Close()
	r.lostOf("failed")
	r.drained(r.dial("/api/v2/dashboard/ws"))
}

// F8: nobody reads stdout, where dev mode greets; the same with all streams closed.
func TestServe_NeedsNobodyToReadItsGreeting(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	defer write.Close()
	r := &running{t: t, ended: make(chan struct{})}
	r.cmd = command(t, []string{"PARLEY_LOG_FORMAT=json"}, "serve", "--dev", "--feed=false", "--listen", "127.0.0.1:0")
	r.cmd.Stdout = write
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		for text := bufio.NewScanner(stderr); text.Scan(); {
			lines <- text.Text()
		}
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); <-r.ended })
	for r.base == "" {
		select {
		case text := <-lines:
			var line struct{ Msg, Address string }
			if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "serving" {
				r.base = "http://" + line.Address
			}
		case <-r.ended:
			t.Fatal("the server ended before it served")
		case <-time.After(patience):
			t.Fatal("it does not serve")
		}
	}
	r.drained(r.dial("/api/v2/dashboard/ws"))
}

// F9: the reader of stderr is alive and does not read: at level debug, too, the server serves, counts, and drains.
func TestServe_NeverWaitsForTheReaderOfItsLog(t *testing.T) {
	t.Parallel()
	r, _ := serveInto(t, debugLog)
	r.lostOf("full")
	conn := r.dial("/api/v2/dashboard/ws?token=no-token")
	r.drained(conn)
}

// F9: a second signal ends the process at once, whether anybody reads that or not.
func TestServe_ASecondSignalEndsItThoughNobodyReadsTheLog(t *testing.T) {
	t.Parallel()
	r, _ := serveInto(t, debugLog, "--drain", "10m")
	conn := r.dial("/api/v2/dashboard/ws")
	if _, err := next(t, conn); err != nil {
		t.Fatal(err)
	}
	r.lostOf("full")
	r.signal(syscall.SIGTERM)
	for late := r.patient(); ; late() {
		if status, _ := get(t, r.base+"/readyz"); status == http.StatusServiceUnavailable {
			break
		}
	}
	r.signal(syscall.SIGTERM)
	if status := r.exit(); status != 1 {
		t.Errorf("exit status %d", status)
	}
}

// F9: a log that is read again goes on, and says how many lines are missing.
func TestServe_ALogThatIsReadAgainSaysHowMuchIsMissing(t *testing.T) {
	t.Parallel()
	r, stderr := serveInto(t, debugLog)
	r.lostOf("full")
	read := make(chan bool)
	go func() {
		told := false
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			told = told || strings.Contains(lines.Text(), "lines of this log were lost")
		}
		read <- told
	}()
	r.signal(syscall.SIGTERM)
	if status := r.exit(); status != 0 || !<-read {
		t.Errorf("exit status %d, and no line says what is missing", status)
	}
}

// F9: what keeps the server from starting is its exit status, whether anybody reads why or not.
func TestServe_AWrongStartEndsThoughNobodyReadsWhy(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	for full := []byte(strings.Repeat("x", 4096)); err == nil; {
		if err = write.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Skipf("this pipe cannot be filled without waiting for its reader: %v", err)
		}
		_, err = write.Write(full)
	}
	cmd := command(t, nil, "serve", "--dev", "--listen", "0.0.0.0:0")
	cmd.Stderr = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		t.Fatal("the process did not end")
	}
	if status := cmd.ProcessState.ExitCode(); status != 1 {
		t.Errorf("exit status %d", status)
	}
}

// F8: commands that print end quietly when nobody reads any more, as Unix tools do.
func TestConfig_EndsQuietlyWhenItsReaderIsGone(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	cmd := command(t, nil, "config")
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = write, &stderr
	err = cmd.Run()
	write.Close()
	state, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || state.Signal() != syscall.SIGPIPE || stderr.Len() > 0 {
		t.Errorf("%v; it said %q", err, stderr.String())
	}
}
