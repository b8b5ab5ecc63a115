package mailbox

import (
	"fmt"
	"hash/maphash"
	"maps"
	"sync"
)

// Shards is how many shards a registry has, each with a lock of its own.
const Shards = 16

// Registry finds the mailboxes of one kind of actors by name. It outlives their restarts. Many goroutines may use it at
// once; it blocks only for its locks.
//
// A message is sent under the shard's lock for reading, and an actor is removed under the lock for writing, if its
// mailbox is empty: so no message can go to an actor that has ended.
type Registry struct {
	seed   maphash.Seed
	shards [Shards]struct {
		sync.RWMutex
		entries map[string]*Mailbox
	}
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry { return &Registry{seed: maphash.MakeSeed()} }

// Shard returns the shard of a name, from 0 to Shards-1.
func (r *Registry) Shard(name string) int {
	return int(maphash.String(r.seed, name) % uint64(len(r.shards)))
}

// Send sends msg to the named actor; false if there is none.
func (r *Registry) Send(name string, msg any) bool {
	return r.with(name, func(box *Mailbox) { box.Send(msg) })
}

// Claim sends msg to the named actor; ok is false if there is none. If the actor was idle, Claim returns its mailbox,
// and the caller must call RunInline on it once it holds no lock, so that the actor runs on the caller's goroutine.
// Otherwise idle is nil, on which RunInline may be called too.
func (r *Registry) Claim(name string, msg any) (idle *Mailbox, ok bool) {
	s := &r.shards[r.Shard(name)]
	s.RLock()
	defer s.RUnlock()
	box, ok := s.entries[name]
	if ok {
		idle = box.claim(msg)
	}
	return idle, ok
}

// SendUnbounded sends msg to the named actor over its mailbox's limit; false if there is none.
func (r *Registry) SendUnbounded(name string, msg any) bool {
	return r.with(name, func(box *Mailbox) { box.SendUnbounded(msg) })
}

func (r *Registry) with(name string, do func(*Mailbox)) bool {
	s := &r.shards[r.Shard(name)]
	s.RLock()
	defer s.RUnlock()
	box, ok := s.entries[name]
	if ok {
		do(box)
	}
	return ok
}

// Has reports whether there is an actor of that name.
func (r *Registry) Has(name string) bool { return r.with(name, func(*Mailbox) {}) }

// SendOrSpawn sends msg to the named actor over its mailbox's limit, and calls make for the actor if there is none.
// make runs under the shard's lock and must not call the registry. Only the tenant's actor calls SendOrSpawn, and its
// own mailbox bounds what comes this way: many clients want a new topic at once when all come back.
func (r *Registry) SendOrSpawn(name string, msg any, make func() *Mailbox) {
	if r.SendUnbounded(name, msg) {
		return
	}
	s := &r.shards[r.Shard(name)]
	s.Lock()
	defer s.Unlock()
	box, ok := s.entries[name]
	if !ok {
		box = make()
		if s.entries == nil {
			s.entries = map[string]*Mailbox{}
		}
		s.entries[name] = box
	}
	box.SendUnbounded(msg)
}

// Remove removes an actor if no message waits for it, and reports whether it did; the actor may then stop.
func (r *Registry) Remove(name string, box *Mailbox) bool {
	s := &r.shards[r.Shard(name)]
	s.Lock()
	defer s.Unlock()
	if s.entries[name] != box || !box.empty() {
		return false
	}
	delete(s.entries, name)
	return true
}

// Clear removes all entries and returns them. A message that waits for one of them is refused when the actor stops.
func (r *Registry) Clear() map[string]*Mailbox {
	all := map[string]*Mailbox{}
	for i := range r.shards {
		s := &r.shards[i]
		s.Lock()
		maps.Copy(all, s.entries)
		s.entries = nil
		s.Unlock()
	}
	return all
}

// Each calls do for every entry, shard by shard, until do returns false. do must not call the registry.
func (r *Registry) Each(do func(name string, box *Mailbox) bool) {
	for i := range r.shards {
		s := &r.shards[i]
		s.RLock()
		for name, box := range s.entries {
			if !do(name, box) {
				s.RUnlock()
				return
			}
		}
		s.RUnlock()
	}
}

// Len returns how many actors there are.
func (r *Registry) Len() int {
	n := 0
	for i := range r.shards {
		r.shards[i].RLock()
		n += len(r.shards[i].entries)
		r.shards[i].RUnlock()
	}
	return n
}

// NamePerShard returns Shards names that begin with stem, the first of which is in shard 0, the second in shard 1, and
// so on.
func (r *Registry) NamePerShard(stem string) []string {
	names := make([]string, len(r.shards))
	for i, left := 0, len(names); left > 0; i++ {
		name := fmt.Sprint(stem, "-", i)
		if at := r.Shard(name); names[at] == "" {
			names[at], left = name, left-1
		}
	}
	return names
}
