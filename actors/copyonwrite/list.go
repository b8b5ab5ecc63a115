// Package copyonwrite holds lists that are read at every event and hardly ever change: what looks at a node while it
// works, and is not there most of the time.
//
// It promises that a reader takes no lock, and that what it got never changes. It does not bound a list: whoever adds
// does.
package copyonwrite

import (
	"slices"
	"sync/atomic"
)

// List is a list in the order in which its elements were added. The zero List is empty. Any goroutine may read it; its
// owner has one goroutine at a time change it.
type List[T comparable] struct {
	all atomic.Pointer[[]T] // nil while it is empty
}

// Any reports whether there is an element. It costs a load and a comparison.
func (l *List[T]) Any() bool { return l.all.Load() != nil }

// All returns the elements. Nobody changes them.
func (l *List[T]) All() []T {
	if all := l.all.Load(); all != nil {
		return *all
	}
	return nil
}

// Add adds an element behind the others.
func (l *List[T]) Add(one T) { l.set(append(slices.Clone(l.All()), one)) }

// Remove removes an element; one that is not there changes nothing.
func (l *List[T]) Remove(one T) {
	l.set(slices.DeleteFunc(slices.Clone(l.All()), func(other T) bool { return other == one }))
}

func (l *List[T]) set(all []T) {
	if len(all) == 0 {
		l.all.Store(nil)
		return
	}
	l.all.Store(&all)
}
