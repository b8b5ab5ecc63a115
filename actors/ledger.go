package actors

import (
	"slices"
	"sync"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Bounds of what lingers. With one record more, the oldest of the user, of the tenant, or of the tenant that has the
// most of all, is given up.
const (
	maxUserRecords   = 16
	maxTenantRecords = 25_000
	maxRecords       = 100_000
	maxRecordBytes   = 64 << 20 // of all together
)

// ledger bounds the records of a node. The users have them; whoever takes one out of the ledger owns it.
type ledger struct {
	node *Node // static

	mu      sync.Mutex
	tenants map[*tenantCore]*account
	records int
	bytes   int
}

// account are the records of one tenant, oldest first. The first is held; of the others some may have been taken out.
type account struct {
	records []*record
	held    int
	bytes   int
}

// hold notes a record, for which others may have to be given up.
func (l *ledger) hold(rec *record) {
	l.mu.Lock()
	a := l.tenants[rec.tenant]
	if a == nil {
		if l.tenants == nil {
			l.tenants = map[*tenantCore]*account{}
		}
		a = &account{}
		l.tenants[rec.tenant] = a
	}
	a.records = append(a.records, rec)
	rec.held = true
	l.count(rec, 1)
	var given []*record
	for a.held > maxTenantRecords {
		given = append(given, l.oldest(a))
	}
	given = l.trim(given)
	l.mu.Unlock()
	l.giveUp(given)
}

// giveUp counts what the clients of these records miss, which were taken out.
func (l *ledger) giveUp(given []*record) {
	for _, old := range given {
		l.node.miss(protocol.TooMany, old.worth())
		old.empty()
	}
}

// take takes a record out; false if it was given up.
func (l *ledger) take(rec *record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !rec.held {
		return false
	}
	l.strike(rec)
	return true
}

// add keeps an event to the user in a record, for which others may have to be given up; false if the record has no room
// for it, or was given up itself.
func (l *ledger) add(rec *record, f *outbox.Frame) bool {
	l.mu.Lock()
	if !rec.held || rec.size+f.Size() > maxRecord {
		l.mu.Unlock()
		return false
	}
	rec.sent = append(rec.sent, f)
	rec.size += f.Size()
	l.tenants[rec.tenant].bytes += f.Size()
	l.bytes += f.Size()
	given := l.trim(nil)
	l.mu.Unlock()
	l.giveUp(given)
	return true
}

// forget gives up all records of a tenant that fit.
func (l *ledger) forget(t *tenantCore, fits func(*record) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.tenants[t]
	if a == nil {
		return
	}
	for _, rec := range slices.Clone(a.records) {
		if rec.held && fits(rec) {
			l.strike(rec)
			rec.empty()
		}
	}
}

// strike takes a record out. The caller holds the lock, as of all below.
func (l *ledger) strike(rec *record) {
	rec.held = false
	l.count(rec, -1)
	a := l.tenants[rec.tenant]
	if a.held == 0 {
		delete(l.tenants, rec.tenant)
		return
	}
	for !a.records[0].held {
		a.records[0], a.records = nil, a.records[1:]
	}
	if len(a.records) > 2*a.held+16 {
		a.records = slices.DeleteFunc(a.records, func(r *record) bool { return !r.held })
	}
}

// trim takes records out until the bounds of all together hold.
func (l *ledger) trim(given []*record) []*record {
	for l.records > maxRecords || l.bytes > maxRecordBytes {
		given = append(given, l.oldest(l.heaviest()))
	}
	return given
}

// oldest takes out the oldest record of an account.
func (l *ledger) oldest(a *account) *record {
	rec := a.records[0]
	l.strike(rec)
	return rec
}

func (l *ledger) heaviest() (most *account) {
	for _, a := range l.tenants {
		if most == nil || a.bytes > most.bytes {
			most = a
		}
	}
	return most
}

func (l *ledger) count(rec *record, by int) {
	a := l.tenants[rec.tenant]
	a.held += by
	a.bytes += by * rec.size
	l.records += by
	l.bytes += by * rec.size
}

// state is how many records there are, and how large they are together.
func (l *ledger) state() (records, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records, l.bytes
}
