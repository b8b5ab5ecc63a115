package firstframe

import (
	"testing"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/notify"
	"github.com/parley-realtime/parley/protocol/valtronics"
)

func TestClaims_ArePathsThatSeveralDialectsWant(t *testing.T) {
	v, a := valtronics.New(valtronics.DefaultConfig()), airlay.New(airlay.DefaultConfig())
	open := notify.New(notify.Config{OpenUserPath: true})
	other := Alone(open, "/api/v1/ws/{id}", "/x")
	claims := Claims([]protocol.Dialect{v, open, a, other})
	if len(claims) != 2 {
		t.Fatalf("claims are %+v", claims)
	}
	if c := claims[0]; c.Path != "/ws" || len(c.Dialects) != 2 || c.Dialects[0] != protocol.Dialect(v) ||
		!c.Decidable() {
		t.Errorf("the first is %+v", c)
	}
	if c := claims[1]; !c.Covers("/api/v1/ws/{any}") || c.Covers("/api/v1/ws") || c.Decidable() ||
		c.Dialects[1] != other {
		t.Errorf("the second is %+v", c)
	}
	if got := Candidates([]protocol.Dialect{open, a}); len(got) != 1 || got[0] != protocol.Dialect(a) {
		t.Errorf("candidates are %v", got)
	}
}
