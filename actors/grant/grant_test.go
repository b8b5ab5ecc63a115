package grant

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// F17: however many tokens ask for one topic, its grants have a bound, and the longest are kept.
func TestGrant_TheGrantsOfOneSubscriptionAreBounded(t *testing.T) {
	w := timer.NewWheel()
	defer w.Close()
	var g *Grant
	for i := range 3 * maxGrants {
		id := &protocol.Identity{User: "bob", TokenID: fmt.Sprint(i)}
		id.Expires = time.Now().Add(time.Duration(1+(i*7)%(3*maxGrants)) * time.Hour)
		g = g.With(New(w, id, time.Now()))
		g = g.With(New(w, id, time.Now())) // the same once more
	}
	if g.count() != maxGrants {
		t.Errorf("%d grants, want %d", g.count(), maxGrants)
	}
	if hours := time.Duration(g.Expires()).Round(time.Hour).Hours(); hours != 3*maxGrants {
		t.Errorf("the last of them ends after %v h, want %d", hours, 3*maxGrants)
	}
}
