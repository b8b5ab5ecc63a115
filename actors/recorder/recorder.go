package recorder

import "github.com/parley-realtime/parley/protocol"

// Recorder keeps the entries of a node. Its methods may be called from many goroutines at once. Each takes a lock that
// a search holds for as long as it looks at its entries, which is well below a millisecond for 10,000.
type Recorder struct{ connections, refusals ring }

// New returns a Recorder that keeps so many ended connections, and as many refusals, in so many bytes each. 0 entries
// keep nothing.
func New(entries, bytes int) *Recorder {
	return &Recorder{newRing(max(entries, 0), bytes), newRing(max(entries, 0), bytes)}
}

// On reports whether anything is kept.
func (r *Recorder) On() bool { return r.connections.entries > 0 }

// Ended keeps a connection that has ended.
func (r *Recorder) Ended(e Entry) { r.connections.add(e) }

// Refused keeps a handshake or a login that was refused.
func (r *Recorder) Refused(e Entry) { r.refusals.add(e) }

// Query chooses entries. Empty fields choose all.
type Query struct {
	// Tenant chooses those of one tenant; with All set it does not count. Without either, only entries of no tenant are
	// chosen.
	Tenant string
	All    bool

	User, Address, Connection, RequestID, Dialect string
	Reason                                        protocol.Reason
	// Before is where the page before ended, 0 for the first page.
	Before uint64
}

func (q *Query) chooses(e *Entry) bool {
	is := func(want, text string) bool { return want == "" || want == text }
	return (q.All || q.Tenant == e.Tenant) && is(q.User, e.User) && is(q.Address, e.Remote) &&
		is(q.Connection, e.Connection) && is(q.RequestID, e.RequestID) && is(q.Dialect, e.Dialect) &&
		is(string(q.Reason), string(e.Reason))
}

// Connections returns up to limit connections that have ended, newest first, and the Before of the next page, 0 at the
// end.
func (r *Recorder) Connections(q Query, limit int) ([]Entry, uint64) {
	return r.connections.find(&q, limit)
}

// Refusals returns up to limit refusals, newest first, and the Before of the next page, 0 at the end.
func (r *Recorder) Refusals(q Query, limit int) ([]Entry, uint64) { return r.refusals.find(&q, limit) }

// Connection returns the entry of a tenant's connection; NotFound if it is not kept, or not any more.
func (r *Recorder) Connection(tenant, id string) (Entry, *protocol.Refusal) {
	found, _ := r.Connections(Query{Tenant: tenant, Connection: id}, 1)
	if len(found) == 0 {
		return Entry{}, protocol.Refuse(protocol.NotFound, "no connection %s", protocol.Quote(id))
	}
	return found[0], nil
}

// Metrics are what the two rings hold, by name.
func (r *Recorder) Metrics() map[string]Metrics {
	return map[string]Metrics{"connections": r.connections.metrics(), "refusals": r.refusals.metrics()}
}
