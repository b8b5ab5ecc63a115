package main

import "testing"

func TestGarbage_IsInProportionToWhatLivesButNeverScarce(t *testing.T) {
	for live, want := range map[uint64]int{0: gcMost, 1 << 20: gcMost, 8 << 20: 200, 16 << 20: 100, 32 << 20: gcPercent, 1 << 40: gcPercent} {
		if got := garbage(live); got != want {
			t.Errorf("beside %d bytes there may be %d %%, not %d %%", live, got, want)
		}
	}
}
