package auth

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Journal keeps revocations beyond the life of the process: in a file, or in a log that several nodes share. A record
// is one line of text. The Verifier makes one call at a time.
type Journal interface {
	// Replay calls do with each record, the oldest first.
	Replay(do func(record []byte)) error
	// Append adds a record. When it returns nil, the record survives the end of the process and a loss of power.
	Append(record []byte) error
	// Rewrite replaces all records at once: whatever happens, either all old ones or all new ones are kept.
	Rewrite(records iter.Seq[[]byte]) error
}

// entry is one revocation of a tenant. An entry without span is one that was taken back.
type entry struct {
	tenant string
	target target
	span   revocationSpan
}

// record is an entry in the journal, in JSON.
type record struct {
	Tenant string    `json:"tenant"`
	User   string    `json:"user,omitempty"`
	Token  string    `json:"jti,omitempty"`
	Before time.Time `json:"before,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Undo   bool      `json:"undo,omitempty"`
}

// journalWriter writes the journal. The journal has at most twice as many records as there are revocations, plus slack.
type journalWriter struct {
	journal Journal // nil if nothing is kept; static
	records int     // in the journal
	stale   bool    // the journal lacks something that memory has, since a write failed
	failed  atomic.Uint64
}

// slack is how many superfluous records the journal may have before it is rewritten.
const slack = 1024

// write is called with writing held, after the change in memory.
func (r *revocationList) write(e entry, undo bool) error {
	if r.journal == nil {
		return nil
	}
	if r.stale || r.records >= 2*int(r.count.Load())+slack {
		return r.rewrite()
	}
	if err := r.journal.Append(e.record(undo)); err != nil {
		return r.recordFailure()
	}
	r.records++
	return nil
}

// rewrite writes everything that is in memory, and with it what earlier writes missed.
func (r *revocationList) rewrite() error {
	all := r.entries()
	if err := r.journal.Rewrite(func(yield func([]byte) bool) {
		for i := range all {
			if !yield(all[i].record(false)) {
				return
			}
		}
	}); err != nil {
		return r.recordFailure()
	}
	r.records, r.stale = len(all), false
	return nil
}

// flush writes what earlier writes missed, if it can be written now.
func (r *revocationList) flush() {
	r.writing.Lock()
	defer r.writing.Unlock()
	if r.stale {
		_ = r.rewrite()
	}
}

// recordFailure notes that the journal did not take a change. The next successful write brings it along.
func (r *revocationList) recordFailure() error {
	r.stale = true
	r.failed.Add(1)
	return protocol.Refuse(protocol.StorageFull,
		"done in memory, but not kept: it could not be written to disk and would not survive a restart; make room "+
			"and send it again")
}

func (e *entry) record(undo bool) []byte {
	line, err := json.Marshal(record{e.tenant, e.target.user, e.target.token, jsonTime(e.span.before),
		jsonTime(e.span.until), undo})
	if err != nil {
		panic(err) // texts and such times can always be encoded
	}
	return line
}

// jsonTime returns a time that JSON can hold, with a year of four digits.
func jsonTime(t time.Time) time.Time {
	if end := time.Unix(maxUnixSeconds, 0); t.After(end) {
		t = end
	}
	return t.UTC()
}

// replay reads what the journal has kept; of returns the revocations of a tenant. Only New calls it.
func (r *revocationList) replay(of func(tenant string) *tenantRevocations, now time.Time) error {
	if r.journal == nil {
		return nil
	}
	unread := 0
	err := r.journal.Replay(func(line []byte) {
		r.records++
		var kept record
		if json.Unmarshal(line, &kept) != nil || kept.Tenant == "" || kept.User == "" && kept.Token == "" {
			unread++
			return
		}
		revoked, about := of(kept.Tenant), target{kept.User, kept.Token}
		if kept.Undo {
			revoked.remove(about)
		} else {
			r.addOrWarn(revoked, entry{kept.Tenant, about, revocationSpan{kept.Before, kept.Until}}, now)
		}
	})
	if unread > 0 {
		r.log.LogAttrs(context.Background(), slog.LevelError,
			"some revocations on disk cannot be read; tokens revoked by them work again, so revoke them anew",
			slog.Int("records", unread))
	}
	return err
}
