package grant

import (
	"fmt"
	"testing"
	"time"
)

func TestRevocations_AreBoundedInNumberAndAge(t *testing.T) {
	var all Revocations
	now := time.Now()
	for i := range 2 * maxRevocations {
		all.Note(Revocation{User: fmt.Sprint(i)}, now)
	}
	if kept := len(all.newest); kept != maxRevocations {
		t.Errorf("%d revocations are kept", kept)
	}
	all.Note(Revocation{User: "x"}, now.Add(revocationAge+time.Second))
	if kept := len(all.newest); kept != 1 {
		t.Errorf("%d revocations are kept beyond their age", kept)
	}
}
