package recorder

import "sync"

// pageEntries is how many entries a ring allocates at a time.
const pageEntries = 64

// ring keeps the newest entries, in pages that are allocated when they are needed first and used again from then on.
type ring struct {
	entries, most int // bounds: how many, and how many bytes

	mu      sync.Mutex
	pages   [][]Entry
	first   uint64 // the number of the oldest entry, from 1
	next    uint64 // that of the next one
	bytes   int    // of the entries that are kept
	evicted uint64
}

func newRing(entries, bytes int) ring {
	pages := (entries + pageEntries - 1) / pageEntries
	return ring{entries: entries, most: bytes, pages: make([][]Entry, pages), first: 1, next: 1}
}

// at is the place of the entry of a number.
func (r *ring) at(number uint64) *Entry {
	page := &r.pages[number/pageEntries%uint64(len(r.pages))]
	if *page == nil {
		*page = make([]Entry, pageEntries)
	}
	return &(*page)[number%pageEntries]
}

// add keeps an entry, and drops the oldest ones for which there is no room then.
func (r *ring) add(e Entry) {
	if r.entries == 0 {
		return
	}
	e.bound()
	size := e.size()
	if size > r.most {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.next-r.first >= uint64(r.entries) || r.bytes+size > r.most {
		oldest := r.at(r.first)
		r.bytes -= oldest.size()
		*oldest = Entry{}
		r.first++
		r.evicted++
	}
	e.Number = r.next
	*r.at(r.next) = e
	r.next++
	r.bytes += size
}

// find returns up to limit entries that q chooses, newest first, and where the next page begins; 0 at the end.
func (r *ring) find(q *Query, limit int) (found []Entry, more uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := r.next
	if q.Before > 0 {
		from = min(from, q.Before)
	}
	for n := from; n > r.first; n-- {
		if e := r.at(n - 1); q.chooses(e) {
			if len(found) == limit {
				return found, n
			}
			found = append(found, *e)
		}
	}
	return found, 0
}

// Metrics are what one ring holds, for the metrics.
type Metrics struct {
	Entries, Bytes int
	Evicted        uint64 // entries that made room since the start
}

func (r *ring) metrics() Metrics {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Metrics{int(r.next - r.first), r.bytes, r.evicted}
}
