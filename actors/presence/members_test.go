package presence

import (
	"fmt"
	"testing"
	"time"
)

func TestMembers_AreBoundedAndThoseThatEndSoonestAreForgotten(t *testing.T) {
	var all Members
	now := time.Now()
	for i := range MaxMembers + 10 {
		all = all.Note("t", fmt.Sprint(i), nil, time.Duration(1+i)*time.Second, "ws-1", now)
	}
	if _, there := all["9"]; len(all) != MaxMembers || there {
		t.Errorf("%d are there, the first among them: %v", len(all), there)
	}
	if got := len(all.List(now.Add(time.Duration(MaxMembers+9) * time.Second))); got != 1 {
		t.Errorf("%d are there when all but one have ended", got)
	}
}
