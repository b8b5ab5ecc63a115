package actors

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// jsonEvent makes an event {"n":number}.
func jsonEvent(t testing.TB, id string, number int) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{ID: id, Kind: protocol.JSON,
		Data: fmt.Appendf(nil, `{"n":%d}`, number)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// metrics makes a telemetry event of a device; parts are like `"temp":1`.
func metrics(t testing.TB, device, parts string) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Telemetry,
		Data: fmt.Appendf(nil, `{"device_id":%q,"telemetry":{%s}}`, device, parts)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// publishTo publishes to a topic of tenant acme and returns the answer.
func publishTo(n *Node, topic string, ev *protocol.Event) (Receipt, error) {
	return n.Publish(context.Background(), "acme", Target{Topic: topic}, ev)
}

// mustPublish fails the test if the publish is refused.
func mustPublish(t testing.TB, n *Node, topic string, ev *protocol.Event) Receipt {
	t.Helper()
	r, err := publishTo(n, topic, ev)
	if err != nil {
		t.Fatalf("publish to %s: %v", topic, err)
	}
	return r
}

// reasonOf is the reason of a refusal, "" for none.
func reasonOf(err error) protocol.Reason {
	if refusal, ok := err.(*protocol.Refusal); err == nil || ok && refusal == nil {
		return ""
	}
	return protocol.AsRefusal(err).Reason
}
