package main

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

func TestGCPercent_IsTheServers(t *testing.T) {
	source, err := os.ReadFile("../../cmd/parley/garbage.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`\tgcPercent = (\d+)`).FindSubmatch(source)
	if found == nil || string(found[1]) != strconv.Itoa(gcPercent) {
		t.Errorf("the server sets %q, this %d", found, gcPercent)
	}
}

func TestQuantile_LiesInTheBucketOfItsRank(t *testing.T) {
	bounds := []float64{0, 1, 2, 3, math.Inf(1)}
	for _, c := range []struct {
		counts []uint64
		q      float64
		want   float64
	}{
		{[]uint64{50, 49, 1, 0}, 0.5, 1},
		{[]uint64{49, 50, 1, 0}, 0.5, 2},
		{[]uint64{50, 49, 1, 0}, 0.99, 2},
		{[]uint64{50, 49, 1, 0}, 1, 3},
		{[]uint64{0, 0, 0, 1}, 1, 3},
		{[]uint64{0, 0, 0, 0}, 0.5, 0},
	} {
		if got := quantile(c.counts, bounds, c.q); got != c.want {
			t.Errorf("%v at %v: got %v, want %v", c.counts, c.q, got, c.want)
		}
	}
}
