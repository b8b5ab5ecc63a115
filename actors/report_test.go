package actors

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// R002.27, F49: what a client reports is a line of the log, and a warning where its protocol wants that. The end of a
// connection is a line for debugging.
func TestReport_IsAWarningWhereItsProtocolSaysSo(t *testing.T) {
	var log bytes.Buffer
	handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})
	bubble(t, Config{Timeout: time.Hour, Logger: slog.New(handler)}, func(n *Node) {
		ann := enter(t, n, words, someone("ann"))
		ann.do(protocol.Report{Kind: "malformed", Warn: true, Data: []byte("no JSON")},
			protocol.Report{Kind: "error", Data: []byte("its own")})
		ann.link.Gone(protocol.Disconnected)
		synctest.Wait()
	})
	for _, want := range []string{
		`level=WARN msg="a client reports" tenant=acme connection=ws-1 user=ann kind=malformed data="no JSON"`,
		`level=INFO msg="a client reports" tenant=acme connection=ws-1 user=ann kind=error data="its own"`,
		`level=DEBUG msg="a connection ended" tenant=acme connection=ws-1 user=ann`,
	} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("the log has not %s once:\n%s", want, log.String())
		}
	}
}
