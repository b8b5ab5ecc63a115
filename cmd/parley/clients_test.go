package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Clients of the protocols, run as they are against a real server. The code around them (which reads their answers, and
// says where they connect) is in testdata/clients, and so are clients of our own that say the same on the wire. Where
// the protocols' documents lie beside the repository, the clients that they print are cut out of them and run, too.
//
// They need Node 20 or newer and Debian's python3-websockets. Without these a test is skipped and says what to install;
// with PARLEY_CLIENTS=required, as in .ci/run, it fails.

// seeds is where the protocols' documents are, if they are.
const seeds = "../../../shared/seeds"

// missing skips the test, or fails it where it must run.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PARLEY_CLIENTS") == "required" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// document reads one of the documents. They are not ours to ship.
func document(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(seeds, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 {
		t.Skipf("the document %s is not beside the repository; what it prints has run in our own words alone", pattern)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ownAndPrinted plays a test with what is written here, and with what a document prints.
func ownAndPrinted(t *testing.T, own, pattern string, cut func(t *testing.T, text string) string,
	play func(t *testing.T, client string)) {
	t.Helper()
	t.Run("own", func(t *testing.T) {
		t.Parallel()
		play(t, own)
	})
	t.Run("printed", func(t *testing.T) {
		t.Parallel()
		play(t, cut(t, document(t, pattern)))
	})
}

// ownClient reads a client of our own.
func ownClient(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "clients", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// between is the part of text that begins with from and ends before to.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	begin := strings.Index(text, from)
	if begin < 0 {
		t.Fatalf("the document has no %q", from)
	}
	length := strings.Index(text[begin:], to)
	if length < 0 {
		t.Fatalf("the document has no %q after %q", to, from)
	}
	return text[begin : begin+length]
}

// braces is the JavaScript construct that begins with from, to the brace that closes it. Texts with lone braces are not
// understood; the documents have none.
func braces(t *testing.T, text, from string) string {
	t.Helper()
	begin := strings.Index(text, from)
	if begin < 0 {
		t.Fatalf("the document has no %q", from)
	}
	depth := 0
	for i := begin + strings.Index(text[begin:], ") {"); i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return text[begin : i+1]
			}
		}
	}
	t.Fatalf("%q does not end", from)
	return ""
}

// harness is the file around a client, with the client in the place of its mark.
func harness(t *testing.T, name, mark, client string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "clients", name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), mark) != 1 {
		t.Fatalf("%s has no place for the client", name)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), mark, client, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// spoken is a client that runs.
type spoken struct {
	*transcript
	cmd   *exec.Cmd
	stdin io.WriteCloser
	rest  sync.WaitGroup
}

func speakAs(t *testing.T, environ []string, program string, args ...string) *spoken {
	t.Helper()
	s := &spoken{cmd: exec.CommandContext(t.Context(), program, args...)}
	s.cmd.Env = append(os.Environ(), environ...)
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stdin, s.transcript = stdin, follow(&s.rest, stdout)
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		s.rest.Wait()
		_ = s.cmd.Wait()
	})
	return s
}

// goodbye closes the client's stdin, which asks it to end, and wants status 0.
func (s *spoken) goodbye(t *testing.T) {
	t.Helper()
	_ = s.stdin.Close()
	s.rest.Wait()
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the client ended with %v:\n%s", err, strings.Join(s.all(), "\n"))
	}
}

func node(t *testing.T, script string, environ ...string) *spoken {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		missing(t, "Node is not installed: apt-get install nodejs (20 or newer)")
	}
	if err := exec.CommandContext(t.Context(), program, "--experimental-websocket", "-e",
		"new WebSocket('ws://127.0.0.1:1').onerror = () => {}").Run(); err != nil {
		missing(t, "this Node has no WebSocket: install 20 or newer")
	}
	return speakAs(t, environ, program, "--experimental-websocket", script)
}

func python(t *testing.T, script string, environ ...string) *spoken {
	t.Helper()
	const program = "/usr/bin/python3" // the one that Debian's packages are for
	if err := exec.CommandContext(t.Context(), program, "-c", "import websockets").Run(); err != nil {
		missing(t, "Python's websockets is not installed: apt-get install python3-websockets")
	}
	return speakAs(t, environ, program, "-u", script)
}

// token is a token for dev mode, made by the command.
func devTokenFor(t *testing.T, user string) string {
	t.Helper()
	made := parley(t, nil, "token", "--user", user)
	if made.status != 0 {
		t.Fatal(made.stderr)
	}
	return strings.TrimSpace(made.stdout)
}

func (r *running) socket(path string) string { return strings.Replace(r.base, "http", "ws", 1) + path }

// publish publishes data of a kind in dev mode, and wants that n heard it.
func (r *running) publish(n int, kind, data string) {
	r.t.Helper()
	status, answer := r.post("dev", `{"event":{"kind":"`+kind+`","data":`+data+`}}`)
	if status != 200 || !strings.Contains(answer, fmt.Sprintf(`"delivered":%d`, n)) {
		r.t.Errorf("publish of %s: %d %s, want %d delivered", kind, status, answer, n)
	}
}

const (
	aTelemetry = `{"device_id":1,"telemetry":{"temperature":{"value":23.5,"unit":"°C",` +
		`"timestamp":"2024-01-01T12:00:00Z"}}}`
	anAlert = `{"alert_id":123,"device_id":1,"severity":"critical","title":"High Temperature Alert",` +
		`"message":"Temperature exceeds safe threshold","metadata":{"threshold_value":30.0,"actual_value":32.5}}`
	aStatus = `{"device_id":2,"old_status":"online","new_status":"offline","reason":"Connection lost"}`
)

// F43: R000.1, R000.4, R000.14, R000.29, R000.30: the snippet of the dashboard's document. R000.33, F49: it passes over
// an event that it does not know.
func TestClients_DashboardSnippetHearsWhatIsPublished(t *testing.T) {
	t.Parallel()
	cut := func(t *testing.T, text string) string {
		return between(t, text, "const protocol = location.protocol", "React Hook")
	}
	ownAndPrinted(t, ownClient(t, "dashboard.own.js"), "000_*.txt", cut, func(t *testing.T, snippet string) {
		r := serveDev(t)
		client := node(t, harness(t, "dashboard.mjs", "/*CLIENT*/", snippet), "PARLEY_TEST_HOST="+
			strings.TrimPrefix(r.base, "http://"))
		client.contains(t, "Connected")
		client.contains(t, "Client ID: ws-")
		if status, answer := r.post("dev", `{"all":true,"event":{"kind":"json","data":{"event":"something_new",`+
			`"n":1}}}`); status != 200 {
			t.Errorf("an event that it does not know: %d %s", status, answer)
		}
		r.publish(1, "project_updated", `{"project_name":"my-project","trigger":"audit"}`)
		client.contains(t, "Updated: my-project")
		client.goodbye(t)
	})
}

// F43, F49: R001.1, R001.8-10, R001.15: the JavaScript class, which spreads its filters at the top level: those for a
// device (R001.19, R001.20, R001.23), for severities (R001.25, R001.26, R001.29), and none (R001.30, R001.33).
func TestClients_ValtronicsJavaScriptClassHearsWhatIsPublished(t *testing.T) {
	t.Parallel()
	javascriptClass(t, func(t *testing.T, script string) {
		r := serveDev(t)
		client := node(t, script, "PARLEY_TEST_URL="+r.socket("/ws"), "PARLEY_TEST_TOKEN="+devTokenFor(t, "alice"),
			"PARLEY_TEST_SUBSCRIBE=1")
		client.contains(t, "READY")
		r.publish(1, "telemetry", aTelemetry)
		client.contains(t, "GOT telemetry", `"value":23.5`)
		r.publish(0, "telemetry", strings.Replace(aTelemetry, `"device_id":1`, `"device_id":2`, 1))
		r.publish(1, "alert", anAlert)
		client.contains(t, "GOT alert High Temperature Alert")
		r.publish(0, "alert", strings.Replace(anAlert, "critical", "info", 1))
		r.publish(1, "device_status", aStatus)
		client.contains(t, "GOT status online -> offline")
		client.goodbye(t)
	})
}

// F43: R001.2: on a specialised path the class needs no subscribe, which its usage example loses by sending it too
// early.
func TestClients_ValtronicsJavaScriptClassIsSubscribedByItsPath(t *testing.T) {
	t.Parallel()
	javascriptClass(t, func(t *testing.T, script string) {
		r := serveDev(t)
		client := node(t, script, "PARLEY_TEST_URL="+r.socket("/ws/telemetry"), "PARLEY_TEST_TOKEN="+
			devTokenFor(t, "alice"))
		client.contains(t, "READY")
		r.publish(1, "telemetry", aTelemetry)
		client.contains(t, "GOT telemetry", `"value":23.5`)
		client.goodbye(t)
	})
}

// F43: R001.11: the document's own handleAuthResponse reads the refusal.
func TestClients_ValtronicsJavaScriptClassReadsARefusal(t *testing.T) {
	t.Parallel()
	javascriptClass(t, func(t *testing.T, script string) {
		r := serveDev(t)
		client := node(t, script, "PARLEY_TEST_URL="+r.socket("/ws"), "PARLEY_TEST_TOKEN=nonsense")
		client.contains(t, "Authentication failed: ")
		client.contains(t, "GOT a request to refresh the token")
		client.goodbye(t)
	})
}

// javascriptClass plays a test with the harness of the class and of the document's handleAuthResponse, which the class
// calls and lacks.
func javascriptClass(t *testing.T, play func(t *testing.T, script string)) {
	t.Helper()
	cut := func(t *testing.T, text string) string {
		class := between(t, text, "class ValtronicsWebSocket {", "// Usage example")
		return class + "\n" + braces(t, text, "function handleAuthResponse(data)")
	}
	ownAndPrinted(t, ownClient(t, "valtronics.own.js"), "001_*.txt", cut, func(t *testing.T, class string) {
		play(t, harness(t, "valtronics.mjs", "/*CLIENT*/", class))
	})
}

// F43: R001.9, R001.10, R001.43: the Python class authenticates with its first frame and takes the first answer for its
// own.
func TestClients_ValtronicsPythonClassHearsWhatIsPublished(t *testing.T) {
	t.Parallel()
	cut := func(t *testing.T, text string) string {
		return indent(between(t, text, "class ValtronicsWebSocketClient:", "# Usage example"))
	}
	ownAndPrinted(t, ownClient(t, "valtronics.own.py"), "001_*.txt", cut, func(t *testing.T, class string) {
		r := serveDev(t)
		client := python(t, harness(t, "valtronics.py", "#CLIENT#", class), "PARLEY_TEST_URL="+r.socket("/ws"),
			"PARLEY_TEST_TOKEN="+devTokenFor(t, "alice"))
		client.contains(t, "Authentication successful")
		client.contains(t, "WebSocket connected successfully")
		client.contains(t, "READY")
		r.publish(1, "telemetry", aTelemetry)
		client.contains(t, "Telemetry update for device 1: {'temperature': {'value': 23.5, 'unit': '°C'")
		r.publish(0, "telemetry", strings.Replace(aTelemetry, `"device_id":1`, `"device_id":2`, 1))
		r.publish(1, "alert", anAlert)
		client.contains(t, "Alert [critical]: High Temperature Alert (ID: 123)")
		r.publish(1, "device_status", aStatus)
		client.contains(t, "Device 2 status changed: online -> offline")
		client.goodbye(t)
	})
}
