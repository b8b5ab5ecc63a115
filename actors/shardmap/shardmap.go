// Package shardmap finds values by number: the connections of a tenant. Each number belongs to a shard with a lock of
// its own, so that many goroutines add and find at once. It knows nothing of what the values are.
package shardmap

import (
	"cmp"
	"container/heap"
	"iter"
	"slices"
	"sync"
)

// shards is how many there are; the lowest bits of numbers, which are given in turn, spread evenly over them.
const shards = 16

// Map has values by number. The zero Map is empty. Its methods never block for long; many goroutines may use it.
type Map[T any] struct {
	shards [shards]shard[T]
}

type shard[T any] struct {
	sync.RWMutex
	byNumber map[uint64]T
}

// Set adds a value, or replaces the one with that number.
func (m *Map[T]) Set(number uint64, value T) {
	s := &m.shards[number%shards]
	s.Lock()
	defer s.Unlock()
	if s.byNumber == nil {
		s.byNumber = map[uint64]T{}
	}
	s.byNumber[number] = value
}

// Delete removes a value. It ignores one that is not there.
func (m *Map[T]) Delete(number uint64) {
	s := &m.shards[number%shards]
	s.Lock()
	defer s.Unlock()
	delete(s.byNumber, number)
}

// Get returns the value with that number, the zero T if there is none.
func (m *Map[T]) Get(number uint64) T {
	s := &m.shards[number%shards]
	s.RLock()
	defer s.RUnlock()
	return s.byNumber[number]
}

// All goes through all values, in no order. The loop's body must not call methods of the map.
func (m *Map[T]) All() iter.Seq2[uint64, T] {
	return func(yield func(uint64, T) bool) {
		for i := range m.shards {
			if !m.shards[i].all(yield) {
				return
			}
		}
	}
}

// all goes through the values of a shard, and reports whether yield asked for more.
func (s *shard[T]) all(yield func(uint64, T) bool) bool {
	s.RLock()
	defer s.RUnlock()
	for number, value := range s.byNumber {
		if !yield(number, value) {
			return false
		}
	}
	return true
}

// Lowest returns, of the values that fit and have a number above after, those with the lowest numbers, count at most,
// in the order of the numbers. It looks at all values and keeps no more than count.
func (m *Map[T]) Lowest(after uint64, count int, fits func(T) bool) (values []T) {
	var best highestFirst[T]
	for number, value := range m.All() {
		if number <= after || !fits(value) || len(best) >= count && (count <= 0 || number > best[0].number) {
			continue
		}
		heap.Push(&best, numbered[T]{number, value})
		if len(best) > count {
			heap.Pop(&best)
		}
	}
	slices.SortFunc(best, func(a, b numbered[T]) int { return cmp.Compare(a.number, b.number) })
	for _, n := range best {
		values = append(values, n.value)
	}
	return values
}

// numbered is a value with its number.
type numbered[T any] struct {
	number uint64
	value  T
}

// highestFirst is a heap with the highest number on top.
type highestFirst[T any] []numbered[T]

func (h highestFirst[T]) Len() int           { return len(h) }
func (h highestFirst[T]) Less(i, j int) bool { return h[i].number > h[j].number }
func (h highestFirst[T]) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *highestFirst[T]) Push(x any)        { *h = append(*h, x.(numbered[T])) }
func (h *highestFirst[T]) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
