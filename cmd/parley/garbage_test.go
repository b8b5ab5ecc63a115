package main

import (
	"runtime"
	"testing"
)

func TestGarbage_IsInProportionToWhatLivesButNeverScarce(t *testing.T) {
	for live, want := range map[uint64]int{0: gcMost, 1 << 20: gcMost, 8 << 20: 200, 16 << 20: 100, 32 << 20: gcPercent,
		1 << 40: gcPercent} {
		if got := garbage(live); got != want {
			t.Errorf("beside %d bytes there may be %d %%, not %d %%", live, got, want)
		}
	}
}

func TestCollection_EachOneIsToldOfUntilDone(t *testing.T) {
	told, done := make(chan struct{}, 1), make(chan struct{})
	last := make(chan struct{}, 1)
	(&collection{told, done}).watch()
	for range 3 {
		runtime.GC()
		<-told
	}
	close(done)
	(&collection{last, nil}).watch()
	for range 2 { // finalizers run one after another: the first one had its turn before the second turn of this one
		runtime.GC()
		<-last
	}
	if len(told) > 0 {
		t.Error("it was told of a collection after done")
	}
}

func TestTidier_TidiesOnceBehindACrowdAndNotWhileThereIsWork(t *testing.T) {
	var at tidier
	allocated, live := uint64(0), uint64(8<<20)
	looks := func(count int, each uint64) (due int) {
		for range count {
			if allocated += each; at.due(allocated, live) {
				due++
			}
		}
		return due
	}
	if n := looks(600, 2<<20); n != 0 {
		t.Errorf("under load it was due %d times", n)
	}
	if n := looks(tidyAfter-1, 1<<10); n != 0 {
		t.Error("it was due before the server was quiet")
	}
	if n := looks(24*3600, 10); n != 1 {
		t.Errorf("behind many clients it was due %d times in a day", n)
	}
	live = 1 << 30
	if n := looks(3600, 100<<10); n != 1 { // 256 MiB are worth it
		t.Errorf("beside much that lives it was due %d times in an hour of little", n)
	}
}
