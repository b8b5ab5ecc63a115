package auth_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// fakeJournal is a journal whose disk can be full.
type fakeJournal struct {
	lines    []string
	full     bool
	rewrites int
}

var errFull = errors.New("no space left on device")

func (p *fakeJournal) Replay(do func([]byte)) error {
	for _, line := range p.lines {
		do([]byte(line))
	}
	return nil
}

func (p *fakeJournal) Append(record []byte) error {
	if p.full {
		return errFull
	}
	p.lines = append(p.lines, string(record))
	return nil
}

func (p *fakeJournal) Rewrite(records iter.Seq[[]byte]) error {
	if p.full {
		return errFull
	}
	p.lines = nil
	for record := range records {
		p.lines = append(p.lines, string(record))
	}
	p.rewrites++
	return nil
}

// start makes a fixture at a time, with this journal.
func (p *fakeJournal) start(t testing.TB, now time.Time) *fixture {
	t.Helper()
	b := newFixture(t, auth.Config{Journal: p}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	b.now = now
	return b
}

func isNotKept(t testing.TB, err error) {
	t.Helper()
	if refusal := protocol.AsRefusal(err); refusal == nil || refusal.Reason != protocol.StorageFull ||
		!strings.Contains(refusal.Detail, "not kept") {
		t.Errorf("%v, want that it is not kept", err)
	}
}

// F16: revocations survive a restart, in their tenant and for their time; those that were taken back do not.
func TestJournal_RevocationsOutliveTheProcess(t *testing.T) {
	p := &fakeJournal{}
	first := p.start(t, epoch)
	for _, r := range []auth.Revocation{
		{User: "alice"}, {TokenID: "one"}, {User: "bob", TokenID: "two"},
		{User: "carol", Before: epoch.Add(-time.Minute)},
		{User: "dave"}, {User: "erin"}, {User: "erin", Before: epoch.Add(-time.Hour)},
	} {
		first.revoke(t, "acme", r)
	}
	if was, err := first.Unrevoke("acme", auth.Revocation{User: "dave"}); !was || err != nil {
		t.Errorf("%t, %v", was, err)
	}
	next := p.start(t, epoch.Add(time.Minute))
	for token, refused := range map[string]bool{
		issued("alice", 0, "a"): true, issued("alice", time.Minute, "a"): false,
		issued("x", time.Minute, "one"): true, issued("bob", time.Minute, "two"): true, issued("x", 0, "two"): false,
		issued("carol", -2*time.Minute, "c"): true, issued("carol", 0, "c"): false,
		issued("dave", 0, "d"): false, issued("erin", -time.Minute, "e"): false,
		issued("erin", -61*time.Minute, "e"): true,
	} {
		_, err := next.showToken("acme", token, protocol.Claims{})
		if refused != (err != nil) {
			t.Errorf("%s: %v, want refused %t", token, err, refused)
		}
		if _, err := next.showToken("b", token, protocol.Claims{}); err != nil {
			t.Errorf("in another tenant: %v", err)
		}
	}
	later := p.start(t, epoch.Add(25*time.Hour)) // beyond their age
	later.accepts(t, hs(fmt.Sprintf(`{"sub":"x","jti":"one","exp":%d}`, later.now.Add(time.Hour).Unix())))
}

// F16: with a full disk a revocation holds all the same, and the caller learns that it would not survive; the next
// write that succeeds brings all of them along.
func TestJournal_AFullDiskIsSaidAndMadeGood(t *testing.T) {
	p := &fakeJournal{}
	b := p.start(t, epoch)
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	b.revoke(t, "acme", auth.Revocation{User: "carol"})
	p.full = true
	isNotKept(t, b.Revoke("acme", auth.Revocation{TokenID: "one"}))
	b.refuses(t, protocol.InvalidToken, issued("x", 0, "one"))
	was, err := b.Unrevoke("acme", auth.Revocation{User: "carol"})
	isNotKept(t, err)
	if !was {
		t.Error("there was one")
	}
	_, err = b.Unrevoke("acme", auth.Revocation{User: "carol"}) // once more, as it says
	isNotKept(t, err)
	if f := b.Stats(); f.NotKept != 3 {
		t.Errorf("%d were not kept, want 3", f.NotKept)
	}
	p.full = false
	if was, err := b.Unrevoke("acme", auth.Revocation{User: "carol"}); was || err != nil {
		t.Errorf("%t, %v", was, err)
	}
	next := p.start(t, epoch)
	next.refuses(t, protocol.InvalidToken, issued("alice", 0, "a"))
	next.refuses(t, protocol.InvalidToken, issued("x", 0, "one"))
	next.accepts(t, issued("carol", 0, "c"))
}

// F16: Close writes what could not be written before.
func TestJournal_CloseWritesWhatWasMissed(t *testing.T) {
	p := &fakeJournal{full: true}
	b := p.start(t, epoch)
	isNotKept(t, b.Revoke("acme", auth.Revocation{User: "alice"}))
	p.full = false
	b.Close()
	p.start(t, epoch).refuses(t, protocol.InvalidToken, issued("alice", 0, "a"))
}

// F16: the records on disk are bounded by the revocations in memory.
func TestJournal_IsRewrittenBeforeItGrowsWithoutBound(t *testing.T) {
	p := &fakeJournal{}
	b := p.start(t, epoch)
	most := 0
	for i := range 10_000 {
		b.revoke(t, "acme", auth.Revocation{User: fmt.Sprint("user", i%3)})
		most = max(most, len(p.lines))
	}
	if most > 1100 || p.rewrites == 0 || p.rewrites > 20 {
		t.Errorf("at most %d lines for 3 revocations, rewritten %d times", most, p.rewrites)
	}
	next := p.start(t, epoch)
	if n := next.Stats().Revocations; n != 3 {
		t.Errorf("%d revocations", n)
	}
	next.refuses(t, protocol.InvalidToken, issued("user2", 0, "a"))
}

// The bound also holds for what is read; the revocations of a removed tenant count, too, since it may come back.
func TestJournal_BeyondTheBoundTheOldestAreForgotten(t *testing.T) {
	p := &fakeJournal{}
	b := p.start(t, epoch)
	for i := range 10 {
		b.revoke(t, "b", auth.Revocation{TokenID: fmt.Sprint("t", i)})
	}
	next := newFixture(t, auth.Config{Journal: p, Revocations: 4}, map[string]auth.TenantKeys{"acme": withSecret()})
	if f := next.Stats(); f.Revocations != 4 || f.Forgotten != 6 {
		t.Errorf("%d revocations, %d forgotten", f.Revocations, f.Forgotten)
	}
	if err := next.SetTenant("b", withSecret()); err != nil {
		t.Fatal(err)
	}
	if _, err := next.showToken("b", issued("x", 0, "t9"), protocol.Claims{}); err == nil {
		t.Error("the newest is forgotten")
	}
}

// Unreadable records are logged and cost nothing else; times of any year can be written.
func TestJournal_ReadsWhatItCan(t *testing.T) {
	p := &fakeJournal{}
	b := p.start(t, epoch)
	b.accepts(t, hs(`{"sub":"alice","exp":253402300799}`)) // the year 9999; from now on the tenant has such tokens
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	p.lines = slices.Concat([]string{"", "{}", `{"tenant":"acme"}`, `{"tenant":"acme","user":"x","until":"?"}`, "\x00"},
		p.lines)
	next := p.start(t, epoch)
	next.refuses(t, protocol.InvalidToken, alice())
	if !strings.Contains(next.log.String(), `"records":5`) {
		t.Errorf("the log says\n%s", next.log)
	}
}

type unreadable struct{ fakeJournal }

func (*unreadable) Replay(func([]byte)) error { return errors.New("input/output error") }

// F16: while the revocations are not known, nobody is let in.
func TestJournal_ThatCannotBeReadIsNoStart(t *testing.T) {
	if _, err := auth.New(auth.Config{Journal: &unreadable{}}, nil); err == nil ||
		!strings.Contains(err.Error(), "revocations") {
		t.Errorf("%v", err)
	}
}
