package copyonwrite

import (
	"slices"
	"sync"
	"testing"
)

func TestList_WhatAReaderGotNeverChanges(t *testing.T) {
	var l List[int]
	if l.Any() || l.All() != nil {
		t.Error("the zero list is not empty")
	}
	l.Add(1)
	l.Add(2)
	before := l.All()
	l.Add(3)
	l.Remove(1)
	l.Remove(7)
	if got := l.All(); !slices.Equal(before, []int{1, 2}) || !slices.Equal(got, []int{2, 3}) || !l.Any() {
		t.Errorf("before %v, now %v", before, got)
	}
	l.Remove(2)
	l.Remove(3)
	if l.Any() || len(l.All()) != 0 {
		t.Errorf("%v is left", l.All())
	}
}

func TestList_IsReadWhileItChanges(t *testing.T) {
	var l List[int]
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for range 1000 {
				if all := l.All(); len(all) > 0 && all[0] != 1 {
					t.Errorf("read %v", all)
				}
			}
		})
	}
	for range 1000 {
		l.Add(1)
		l.Remove(1)
	}
	readers.Wait()
}
