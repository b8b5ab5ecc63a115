package mailbox

import (
	"fmt"
	"hash/maphash"
	"maps"
	"sync"
)

// Registry finds the actors of one kind by name. It outlives their restarts.
//
// A message is posted while the Registry is locked for reading, and an actor retires while it is locked for writing,
// if its mailbox is empty: so no message can go to an actor that has ended.
// Shards is how many locks a registry has.
const Shards = 16

type Registry struct {
	seed   maphash.Seed
	shards [Shards]struct {
		sync.RWMutex
		entries map[string]*Mailbox
	}
}

func NewRegistry() *Registry { return &Registry{seed: maphash.MakeSeed()} }

// Shard is the shard of a name, from 0 to Shards-1.
func (r *Registry) Shard(name string) int {
	return int(maphash.String(r.seed, name) % uint64(len(r.shards)))
}

// send posts msg to the named actor; false if there is none.
func (r *Registry) Send(name string, msg any) bool {
	return r.with(name, func(box *Mailbox) { box.Send(msg) })
}

// lend is mailbox.lend for the named actor; false if there is none.
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

// force posts msg over the mailbox's limit; false if there is no such actor.
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

// SendOrSpawn posts msg to the named actor, which is made if there is none. The tenant's actor alone calls it, whose own
// mailbox bounds what comes this way: many want a new topic at once when all clients come back.
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

// retire removes an actor if nothing waits for it; then it may stop.
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

// clear removes all entries and returns them. A message that was posted to one of them is refused when it stops.
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

// each calls do for every entry, shard by shard, until it returns false. do must not call the Registry.
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

func (r *Registry) Len() int {
	n := 0
	for i := range r.shards {
		r.shards[i].RLock()
		n += len(r.shards[i].entries)
		r.shards[i].RUnlock()
	}
	return n
}

// NamePerShard are names of which the first is in the first shard, the second in the second, and so on.
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
