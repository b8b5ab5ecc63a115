package actors

import (
	"hash/maphash"
	"maps"
	"sync"
)

// directory finds the actors of one kind by name. It outlives their restarts.
//
// A message is posted while the directory is locked for reading, and an actor retires while it is locked for writing,
// if its mailbox is empty: so no message can go to an actor that has ended.
type directory struct {
	seed   maphash.Seed
	shards [16]struct {
		sync.RWMutex
		entries map[string]*mailbox
	}
}

func newDirectory() *directory { return &directory{seed: maphash.MakeSeed()} }

func (d *directory) shard(name string) int {
	return int(maphash.String(d.seed, name) % uint64(len(d.shards)))
}

// send posts msg to the named actor; false if there is none.
func (d *directory) send(name string, msg any) bool {
	return d.with(name, func(box *mailbox) { box.send(msg) })
}

// lend is mailbox.lend for the named actor; false if there is none.
func (d *directory) lend(name string, msg any) (idle *mailbox, ok bool) {
	s := &d.shards[d.shard(name)]
	s.RLock()
	defer s.RUnlock()
	box, ok := s.entries[name]
	if ok {
		idle = box.lend(msg)
	}
	return idle, ok
}

// force posts msg over the mailbox's limit; false if there is no such actor.
func (d *directory) force(name string, msg any) bool {
	return d.with(name, func(box *mailbox) { box.force(msg) })
}

func (d *directory) with(name string, do func(*mailbox)) bool {
	s := &d.shards[d.shard(name)]
	s.RLock()
	defer s.RUnlock()
	box, ok := s.entries[name]
	if ok {
		do(box)
	}
	return ok
}

// sendOrMake posts msg to the named actor, which is made if there is none. The tenant's actor alone calls it, whose own
// mailbox bounds what comes this way: many want a new topic at once when all clients come back.
func (d *directory) sendOrMake(name string, msg any, make func() *mailbox) {
	if d.force(name, msg) {
		return
	}
	s := &d.shards[d.shard(name)]
	s.Lock()
	defer s.Unlock()
	box, ok := s.entries[name]
	if !ok {
		box = make()
		if s.entries == nil {
			s.entries = map[string]*mailbox{}
		}
		s.entries[name] = box
	}
	box.force(msg)
}

// retire removes an actor if nothing waits for it; then it may stop.
func (d *directory) retire(name string, box *mailbox) bool {
	s := &d.shards[d.shard(name)]
	s.Lock()
	defer s.Unlock()
	if s.entries[name] != box || !box.empty() {
		return false
	}
	delete(s.entries, name)
	return true
}

// clear removes all entries and returns them. A message that was posted to one of them is refused when it stops.
func (d *directory) clear() map[string]*mailbox {
	all := map[string]*mailbox{}
	for i := range d.shards {
		s := &d.shards[i]
		s.Lock()
		maps.Copy(all, s.entries)
		s.entries = nil
		s.Unlock()
	}
	return all
}

// each calls do for every entry, shard by shard, until it returns false. do must not call the directory.
func (d *directory) each(do func(name string, box *mailbox) bool) {
	for i := range d.shards {
		s := &d.shards[i]
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

func (d *directory) len() int {
	n := 0
	for i := range d.shards {
		d.shards[i].RLock()
		n += len(d.shards[i].entries)
		d.shards[i].RUnlock()
	}
	return n
}
