package process

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-realtime/parley/bench/target"
)

// The test's own binary is the server: it serves where role says.
func TestMain(m *testing.M) {
	if role := os.Getenv("PROCESS_ROLE"); role != "" {
		serve(role)
		return
	}
	os.Exit(m.Run())
}

func serve(role string) {
	if role == "ends" {
		fmt.Fprintln(os.Stderr, "no licence")
		return
	}
	address := os.Getenv("PROCESS_ADDRESS")
	listener, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	fmt.Printf("a banner\nserving address=%s\n", listener.Addr())
	_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for end := time.Now().Add(50 * time.Millisecond); r.URL.Path == "/burn" && time.Now().Before(end); {
			_ = strings.Repeat("x", 1000)
		}
		_, _ = io.WriteString(w, os.Getenv("PROCESS_WORD"))
	}))
}

// words are a peer whose server is this test.
func words(t *testing.T, ready, extra string) *target.Target {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := target.Decode(fmt.Appendf(nil,
		`{name: x, command: [%q], env: ["PROCESS_ROLE=serves", "PROCESS_WORD=w-${port}", %s], ready: %s,`+
			` client: {path: /}, stamp: t, sequence: s}`, self, extra, ready))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	onPort = `"PROCESS_ADDRESS=127.0.0.1:${port}"`
	onAny  = `"PROCESS_ADDRESS=127.0.0.1:0"`
)

func TestStart_ReturnsWhenTheServerServes(t *testing.T) {
	for ready, address := range map[string]string{
		`{line: "serving address=(\\S+)"}`: onAny,
		`{http: /health}`:                  onPort,
		`{tcp: true}`:                      onPort,
	} {
		s, err := Start(t.Context(), words(t, ready, address), ".", nil)
		if err != nil {
			t.Fatalf("%s: %v", ready, err)
		}
		answer, err := http.Get("http://" + s.Address)
		if err != nil {
			t.Fatalf("%s: %v", ready, err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if want := fmt.Sprint("w-", s.Values.Port); string(body) != want {
			t.Errorf("%s: the server says %q, want %q", ready, body, want)
		}
		s.Stop()
		if err := syscall.Kill(s.Pid(), 0); err == nil {
			t.Errorf("%s: the server is still there", ready)
		}
	}
}

func TestStart_TellsWhatAServerSaidThatDidNotComeUp(t *testing.T) {
	p := words(t, `{tcp: true}`, `"PROCESS_ROLE=ends"`)
	if _, err := Start(t.Context(), p, ".", nil); err == nil ||
		!strings.Contains(err.Error(), "it ended; it said: no licence") {
		t.Errorf("got %v", err)
	}
}

func TestFigures_AreThoseOfAllThatTheServerStarted(t *testing.T) {
	p := words(t, `{http: /}`, onPort)
	self := p.Command[0]
	// A shell that stays the parent of the server.
	shell, _ := target.Parse("sh")
	flag, _ := target.Parse("-c")
	script, _ := target.Parse(self.Fill(&target.Values{}) + "; true")
	p.Command = []target.Template{shell, flag, script}
	s, err := Start(t.Context(), p, ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	before, err := s.Figures()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get("http://" + s.Address + "/burn")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	after, err := s.Figures()
	if err != nil {
		t.Fatal(err)
	}
	if took := after.Processor - before.Processor; took < 5*time.Millisecond || took > 5*time.Second {
		t.Errorf("50 ms of work were %s", took)
	}
	if len(tree(s.Pid(), nil)) != 2 || after.Resident < 4<<20 {
		t.Errorf("%v with %d bytes", tree(s.Pid(), nil), after.Resident)
	}
}

func TestFigures_AnEndedServerIsAnError(t *testing.T) {
	s, err := Start(t.Context(), words(t, `{tcp: true}`, onPort), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if _, err := s.Figures(); err == nil || !strings.Contains(err.Error(), "the server ended") {
		t.Errorf("got %v", err)
	}
}

func TestTail_KeepsTheLastAndFindsTheAddressInWholeLines(t *testing.T) {
	p := words(t, `{line: "at (\\S+)"}`, onAny)
	log := newTail(&p.Ready)
	for _, part := range []string{"at 127.0", ".0.1:8", "0\nat other\n", strings.Repeat("x", 2*kept), "end\n"} {
		fmt.Fprint(log, part)
	}
	if address := <-log.address; address != "127.0.0.1:80" {
		t.Errorf("found %s", address)
	}
	if text := log.String(); len(text) > kept || !strings.HasSuffix(text, "xend") {
		t.Errorf("kept %d bytes, ending in %q", len(text), text[len(text)-4:])
	}
}
