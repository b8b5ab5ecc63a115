package api

import (
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors/stats"
)

// R001.65, R001.66: the members of the document's ConnectionMonitor.
func TestStats_AreThoseOfTheDocument(t *testing.T) {
	figures := `"totalConnections":4,"activeConnections":2,"authenticatedConnections":1,"messagesReceived":10,` +
		`"messagesSent":30,` +
		`"bytesReceived":400,"bytesSent":9000,"averageConnectionDuration":12.5,"messagesPerConnection":10`
	newTestAPI(t, Config{}).call("GET", "/api/v1/stats", "").is(200,
		`{"tenant":"acme",`+figures+`,"dialects":{"dashboard":{`+figures+`}}}`)
	got := string(appendFigures([]byte("{"), stats.Connections{}))
	if !strings.HasSuffix(got, `"averageConnectionDuration":0,"messagesPerConnection":0`) {
		t.Errorf("without connections: %s", got)
	}
}
