package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// listen serves the reference on loopback and returns its address.
func listen(t *testing.T, server *reference, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	server.patience = time.Minute // a busy machine is slow
	listener = wrap(listener)
	server.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server.serving.Go(func() { server.serve(conn.(halfCloser)) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		server.serving.Wait()
	})
	return address
}

func plainly(l net.Listener) net.Listener { return l }

// few are cases of several groups that take no time.
var few = Options{Only: []string{"0.1", "1.2", "2.2", "3.1", "5.4", "6.50", "7.*", "12.1", "15.63"}}

func wantAllPassed(t *testing.T, report *Report, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Outcome != Pass {
			t.Errorf("%s %s is %s: %s", r.ID, r.Title, r.Outcome, r.Note)
		}
	}
	if len(report.Results) < 10 {
		t.Errorf("%d cases were played", len(report.Results))
	}
}

func TestRun_PlaysOverTCP(t *testing.T) {
	t.Parallel()
	address := listen(t, newReference(""), plainly)
	report, err := Run(t.Context(), Target{URL: "ws://" + address + "/echo", Timeout: time.Minute}, few)
	wantAllPassed(t, report, err)
}

func TestRun_PlaysOverTLS(t *testing.T) {
	t.Parallel()
	borrowed := httptest.NewUnstartedServer(nil)
	borrowed.StartTLS()
	defer borrowed.Close()
	trust := borrowed.Client().Transport.(*http.Transport).TLSClientConfig
	address := listen(t, newReference(""),
		func(l net.Listener) net.Listener { return tls.NewListener(l, borrowed.TLS) })
	o := few
	o.Skip = []string{"7.47"} // TLS has no silent half-close
	target := Target{URL: "wss://" + address + "/echo", TLS: trust, Timeout: time.Minute}
	report, err := Run(t.Context(), target, o)
	wantAllPassed(t, report, err)

	target.TLS = nil // the system does not trust it
	_, err = Run(t.Context(), target, Options{Only: []string{"0.1"}, Wait: time.Millisecond})
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
}

func TestRun_LiveEndpointsArePlayedWithoutAnEcho(t *testing.T) {
	t.Parallel()
	report := playReference(t, "", Options{Only: []string{"0", "2", "7"}, Jobs: 4, Fast: true}, func(target *Target) {
		target.Live, target.SendFirst, target.Subprotocol = true, []string{"login"}, "chat"
		target.Header = http.Header{"Authorization": {"Bearer token"}}
	})
	wantAllPassed(t, report, nil)
	for _, r := range report.Results {
		if r.Echo || r.Slow {
			t.Errorf("%s %s was played", r.ID, r.Title)
		}
	}
}

// A server that goes down fails the case that brought it down, and those that cannot be played any more.
func TestRun_AServerThatGoesDownFailsWhatIsLeft(t *testing.T) {
	t.Parallel()
	report := playReference(t, "crash-at-top-bit", Options{Only: []string{"15"}, Wait: time.Second})
	last := report.Results[len(report.Results)-1]
	if last.ID != "15.8" || last.Outcome != Fail || !strings.HasPrefix(last.Note, "server down after this case") {
		t.Errorf("%+v", last)
	}
	if report.Unplayed != 58-1 || report.Failed(false) != 58 || report.Passed(false) != 7 {
		t.Errorf("%d not played, %d failed, %d passed", report.Unplayed, report.Failed(false), report.Passed(false))
	}
}

func TestRun_StopsAtTheFirstFailureIfAsked(t *testing.T) {
	t.Parallel()
	report := playReference(t, "mask-echoes", Options{Only: []string{"2"}, StopAtFailure: true})
	if len(report.Results) != 1 || report.Unplayed != 0 || report.Failed(false) != 1 {
		t.Errorf("%d results, %d not played", len(report.Results), report.Unplayed)
	}
}

func TestRun_SaysThatNothingAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := func(context.Context) (net.Conn, error) { return nil, errors.New("no such host") }
		start := time.Now()
		_, err := Run(t.Context(), Target{URL: "ws://nowhere.test/", Dial: silent}, Options{Wait: 3 * time.Second})
		if !errors.Is(err, ErrUnreachable) || time.Since(start) < 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestRun_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newReference("close-keeps-tcp")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		report, err := Run(ctx, Target{URL: "ws://reference.test/", Dial: server.dial}, Options{Only: []string{"7"}})
		if !errors.Is(err, context.DeadlineExceeded) || len(report.Results) != 0 {
			t.Errorf("%v, %+v", err, report)
		}
		server.serving.Wait()
	})
}

func TestRun_ATargetThatMakesNoSenseIsAnError(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "http://a/", "127.0.0.1:80", "ws://", "ws://a b/"} {
		if _, err := Run(t.Context(), Target{URL: address}, Options{}); err == nil || errors.Is(err, ErrUnreachable) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestSelect_ByGroupIDGlobAndWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		options Options
		live    bool
		want    int
		first   string
	}{
		{Options{Only: []string{"10"}}, false, 3, "10.1"},
		{Options{Only: []string{"7.12"}}, false, 1, "7.12"},
		{Options{Only: []string{"7.1?"}}, false, 10, "7.10"},
		{Options{Only: []string{"code point U+10FFFE"}}, false, 2, "6.49"},
		{Options{Only: []string{"2"}, Skip: []string{"2.1?"}}, false, 12, "2.1"},
		{Options{Only: []string{"2"}}, true, 21, "2.1"},
		{Options{Only: []string{"0"}, Fast: true}, false, 35, "0.1"},
	} {
		chosen, err := Select(c.options, c.live)
		if err != nil || len(chosen) != c.want || chosen[0].ID != c.first {
			t.Errorf("%+v: %d cases from %s, %v", c.options, len(chosen), chosen[0].ID, err)
		}
	}
}

// A mistyped pattern must not make a run that plays nothing and passes.
func TestSelect_NothingIsAnError(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Only: []string{"99"}}, {Skip: []string{"7.999"}}, {Only: []string{"7"}, Skip: []string{"7"}},
		{Only: []string{""}},
	} {
		if chosen, err := Select(o, false); err == nil {
			t.Errorf("%+v: %d cases", o, len(chosen))
		}
	}
}

func TestReport_TellsFiguresAndWhatWentWrong(t *testing.T) {
	t.Parallel()
	find := func(id string) Case {
		return Cases()[slices.IndexFunc(Cases(), func(c Case) bool { return c.ID == id })]
	}
	r := &Report{Unplayed: 3, Results: []Result{
		{Case: find("1.1")}, {Case: find("1.44"), Outcome: Weak, Note: "as most do"},
		{Case: find("2.1"), Outcome: Fail, Note: "no pong"},
		{Case: find("9.4"), Outcome: Skip},
	}}
	for strict, want := range map[bool]string{
		false: "\n2 passed, 4 failed (1 weak, 1 skipped)\n", true: "\n1 passed, 5 failed (1 weak, 1 skipped)\n",
	} {
		var b strings.Builder
		if err := r.Write(&b, strict); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"1.44", "as most do", "2.1", "no pong", "3 cases were not played",
			"1   framing and lengths"} {
			if !strings.Contains(b.String(), line) {
				t.Errorf("no %q in:\n%s", line, b.String())
			}
		}
		if !strings.HasSuffix(b.String(), want) {
			t.Errorf("ends otherwise than %q:\n%s", want, b.String())
		}
	}
}
