package websocket

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol/echo"
	"github.com/parley-realtime/parley/transport/websocket/conformance"
)

// tolerated are the cases in which our sockets are weak or cannot be judged, and the reason why that is right.
var tolerated = map[string]string{
	"15.64": "20,000 empty fragments are refused: frames that cost nothing to send may not cost much to read",
	"7.47":  "a pipe has no half-close; continuous integration plays this case over TCP",
}

// F44, F46, F51, check 1: the conformance battery against a whole node, in fake time. No case
// fails, and the tolerated ones alone are weak. Messages larger than 1 MiB are left to the test below and to continuous
// integration.
func TestServer_PassesTheConformanceBattery(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	t.Parallel()
	report := playBattery(t, 1<<20, conformance.Options{Jobs: 4})
	if played := len(report.Results); played != len(conformance.Cases()) {
		t.Errorf("%d cases were played of %d", played, len(conformance.Cases()))
	}
	wantConforming(t, report)
}

// F45: 4 MiB in 65,536, 16,384 and 4,097 fragments.
func TestServer_TakesALargeMessageInManyFragments(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	t.Parallel()
	report := playBattery(t, 4<<20, conformance.Options{Only: []string{"9.7", "9.24", "9.55", "9.61"}})
	if skipped := report.Of(conformance.Skip); len(report.Results) != 4 || len(skipped) > 0 {
		t.Errorf("%d cases were played and %d of them skipped", len(report.Results), len(skipped))
	}
	wantConforming(t, report)
}

// playBattery plays cases against a node that echoes messages up to a limit.
func playBattery(t *testing.T, limit int, o conformance.Options) (report *conformance.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		node := actors.New(actors.Config{Logger: quiet()}, keys{}, actors.TenantConfig{Name: "acme"})
		config := DefaultConfig()
		config.Logger = quiet()
		s, err := New(config, node, keys{}, func(r *http.Request) string { return r.Header.Get("X-Tenant") })
		if err != nil {
			t.Fatal(err)
		}
		handler, err := s.Handler(echo.Dialect{Frame: limit})
		if err != nil {
			t.Fatal(err)
		}
		listener := newPipeListener()
		web := &http.Server{Handler: handler, ReadHeaderTimeout: 9 * time.Second, MaxHeaderBytes: 16 << 10}
		go web.Serve(listener)

		report, err = conformance.Run(t.Context(), conformance.Target{
			URL: "ws://parley.test/debug/echo", Dial: listener.dialRaw, Header: http.Header{"X-Tenant": {"acme"}},
			MaxMessage: limit, Rounds: 20,
		}, o)
		if err != nil {
			t.Error(err)
		}

		web.Close()
		node.Close()
		if err := s.Wait(context.Background()); err != nil {
			t.Error(err)
		}
		s.Close()
		time.Sleep(time.Hour) // the timers that protoactor has left run out
	})
	return report
}

// wantConforming wants each case passed, tolerated, or too large for the run.
func wantConforming(t *testing.T, report *conformance.Report) {
	t.Helper()
	for _, r := range report.Results {
		reason, known := tolerated[r.ID]
		larger := r.Outcome == conformance.Skip && r.Group == "sizes and limits"
		if r.Outcome == conformance.Pass || larger || known && r.Outcome != conformance.Fail {
			continue
		}
		t.Errorf("%s %s (%s) is %s: %s; tolerated: %q", r.ID, r.Title, r.Section, r.Outcome, r.Note, reason)
	}
}

// dialRaw is a connection to the server on which nothing was sent.
func (p *pipeListener) dialRaw(ctx context.Context) (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
	case <-ctx.Done():
	}
	return nil, net.ErrClosed
}
