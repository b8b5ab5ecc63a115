package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asMain, set in the environment, makes the test binary be parley itself: a real process, with the race detector in it.
const asMain = "RUN_AS_PARLEY"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// patience bounds every wait in these tests; none should come near it.
const patience = 20 * time.Second

// command is parley with arguments, in an environment without PARLEY_ variables but those given. With -short, as make
// quick runs the tests, those that start a process are skipped.
func command(t *testing.T, environ []string, args ...string) *exec.Cmd {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a process")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PARLEY_") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(append(cmd.Env, asMain+"=1"), environ...)
	return cmd
}

// outcome is how a command ended.
type outcome struct {
	stdout, stderr string
	status         int
	took, cpu      time.Duration
}

// parley runs a command to its end.
func parley(t *testing.T, environ []string, args ...string) outcome {
	t.Helper()
	cmd := command(t, environ, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(began),
		cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// running is a server process.
type running struct {
	t   *testing.T
	cmd *exec.Cmd
	log *transcript
	out *transcript
	// base and internal are the URLs of the two addresses.
	base, internal string
	ended          chan struct{} // closed when the process has ended
}

// serve starts a server and returns when it serves. It is killed when the test ends, if it still lives.
func serve(t *testing.T, environ []string, args ...string) *running {
	t.Helper()
	r := &running{t: t, ended: make(chan struct{})}
	r.cmd = command(t, append([]string{"PARLEY_LOG_FORMAT=json", "PARLEY_INTERNAL_LISTEN=127.0.0.1:0"}, environ...),
		append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	r.start(t)
	serving := r.log.await(t, func(line map[string]any) bool { return line["msg"] == "serving" })
	r.base = "http://" + serving["address"].(string)
	r.internal = "http://" + serving["internal"].(string)
	return r
}

func (r *running) start(t *testing.T) {
	t.Helper()
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	r.log, r.out = follow(&reading, stderr), follow(&reading, stdout)
	go func() {
		reading.Wait()
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
		if t.Failed() {
			t.Logf("log of the server:\n%s", strings.Join(r.log.all(), "\n"))
		}
	})
}

// serveDev is a server in dev mode without the sample feed.
func serveDev(t *testing.T, args ...string) *running {
	t.Helper()
	return serve(t, []string{"PARLEY_INTERNAL_LISTEN="}, append([]string{"--dev", "--feed=false"}, args...)...)
}

// patient returns what fails the test once it has been asked for longer than anything should take. It is for loops that
// ask the server until it has come so far: each answer gives it time.
func (r *running) patient() (late func()) {
	end := time.Now().Add(patience)
	return func() {
		r.t.Helper()
		if time.Now().After(end) {
			r.t.Fatalf("it did not come about within %s", patience)
		}
	}
}

func (r *running) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// exit waits for the end and returns the status.
func (r *running) exit() int {
	r.t.Helper()
	select {
	case <-r.ended:
		return r.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		r.t.Fatal("the process did not end")
		return 0
	}
}

// get is a GET, with its status and body.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// post publishes and returns the status and the answer.
func (r *running) post(key, body string) (int, string) {
	r.t.Helper()
	return r.askAs(key, http.MethodPost, "/api/v1/publish", body)
}

// askAs makes an API call with a key of its own.
func (r *running) askAs(key, method, path, body string) (int, string) {
	r.t.Helper()
	status, answer, err := r.try(key, method, path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	return status, answer
}

// try is askAs of a server that may end meanwhile.
func (r *running) try(key, method, path, body string) (int, string, error) {
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("X-API-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// transcript is what a stream has said so far, line by line.
type transcript struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and replaced with each line, and closed for good at the end
	ended bool
}

func follow(reading *sync.WaitGroup, from io.Reader) *transcript {
	tr := &transcript{more: make(chan struct{})}
	reading.Go(func() {
		scanner := bufio.NewScanner(from)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			tr.add(scanner.Text())
		}
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.ended = true
		close(tr.more)
	})
	return tr
}

func (tr *transcript) add(line string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, line)
	close(tr.more)
	tr.more = make(chan struct{})
}

func (tr *transcript) all() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return append([]string(nil), tr.lines...)
}

// find waits for a line that fits, from the beginning on.
func (tr *transcript) find(t *testing.T, what string, fits func(string) bool) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for seen := 0; ; {
		tr.mu.Lock()
		lines, more, ended := tr.lines, tr.more, tr.ended
		tr.mu.Unlock()
		for ; seen < len(lines); seen++ {
			if fits(lines[seen]) {
				return lines[seen]
			}
		}
		if ended {
			t.Fatalf("the stream ended without %s; it said:\n%s", what, strings.Join(lines, "\n"))
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("no %s within %s; so far:\n%s", what, patience, strings.Join(lines, "\n"))
		}
	}
}

// contains waits for a line with all these parts.
func (tr *transcript) contains(t *testing.T, parts ...string) string {
	t.Helper()
	return tr.find(t, fmt.Sprintf("line with %q", parts), func(line string) bool {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				return false
			}
		}
		return true
	})
}

// await waits for a line of JSON that fits.
func (tr *transcript) await(t *testing.T, fits func(map[string]any) bool) map[string]any {
	t.Helper()
	var found map[string]any
	tr.find(t, "fitting line", func(line string) bool {
		var read map[string]any
		if json.Unmarshal([]byte(line), &read) != nil || !fits(read) {
			return false
		}
		found = read
		return true
	})
	return found
}

// call makes an API call with dev mode's key and returns the body of its 200.
func (r *running) call(method, path string) string {
	r.t.Helper()
	status, body := r.askAs("dev", method, path, "")
	if status != http.StatusOK {
		r.t.Fatalf("%s %s: %d %s", method, path, status, body)
	}
	return body
}
