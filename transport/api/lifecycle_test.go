package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Lifecycle events are made elsewhere; the document describes them for backends.
func TestDocument_KnowsLifecycleEventsAsTheyAre(t *testing.T) {
	schema := loadDocument(t).Components.Schemas["LifecycleEvent"].Value
	var words []protocol.LifecycleType
	for _, word := range schema.Properties["type"].Value.Enum {
		words = append(words, protocol.LifecycleType(fmt.Sprint(word)))
	}
	all := protocol.LifecycleTypes()
	slices.Sort(all)
	if slices.Sort(words); !slices.Equal(words, all) {
		t.Errorf("types are %v, the code has %v", words, all)
	}
	full := protocol.Lifecycle{Type: protocol.Disconnection, Epoch: "e1", Number: 3, Time: time.Unix(1e9, 0),
		User: "42", Connection: "ws-1", Dialect: "notify",
		Topic: "a", Restored: true, Left: &protocol.Leaving{Reason: protocol.Lost, Code: 1001, Lingers: true,
			Lasted: time.Second, Received: 1, Sent: 2}}
	bare := protocol.Lifecycle{Type: protocol.UserOnline, Epoch: "e1", Number: 1, Time: time.Unix(1e9, 0)}
	for _, event := range []protocol.Lifecycle{full, bare} {
		var read map[string]any
		if err := json.Unmarshal(event.AppendJSON(nil), &read); err != nil {
			t.Fatal(err)
		}
		if err := schema.VisitJSON(read); err != nil {
			t.Errorf("%v: %v", read, err)
		}
		if event.Left != nil && len(read) != len(schema.Properties) {
			t.Errorf("the document has %d members, a full event %d", len(schema.Properties), len(read))
		}
	}
}
