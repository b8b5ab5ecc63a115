package durable

import (
	"fmt"
	"testing"
)

// Topics are spread evenly, also those with similar names, and never change their partition, which is a part of what is
// on disk.
func TestPartitionNumber_SpreadsTopicsAndIsFixed(t *testing.T) {
	counts := make([]int, 16)
	for i := range 16_000 {
		counts[partitionNumber("acme", fmt.Sprintf("telemetry/%d", i), 16)]++
	}
	for partition, n := range counts {
		if n < 850 || n > 1150 {
			t.Errorf("slot %d has %d of 16,000 topics", partition, n)
		}
	}
	if a, b := partitionNumber("acme", "room/7", 1<<15), partitionNumber("a", "cmeroom/7", 1<<15); a == b {
		t.Error("the border between the names does not count")
	}
	if got := partitionNumber("acme", "room/7", 1<<15); got != fixedPartition {
		t.Errorf("the place of a topic has changed: it is %d", got)
	}
}

const fixedPartition = 8698
