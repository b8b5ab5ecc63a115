package server

import (
	"os"
	"testing"
)

// F1: the store of durable topics is told of the machine's start, which confirms the time between two lives.
func TestMachineBoot_NamesTheStartAndTheTimeSince(t *testing.T) {
	if _, err := os.Stat("/proc/uptime"); err != nil {
		t.Skip("the kernel does not tell: ", err)
	}
	id, up := machineBoot()
	again, later := machineBoot()
	if id == "" || up <= 0 || again != id || later < up {
		t.Errorf("the machine was started as %q %s ago, and then as %q %s ago", id, up, again, later)
	}
}
