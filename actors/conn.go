package actors

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/protocol"
)

// Dial is a connection that wants in.
type ConnectOptions struct {
	Tenant  string
	Dialect protocol.Dialect
	Session protocol.Session
	// Identity is set if the credential was checked before the upgrade.
	Identity *protocol.Identity
	// Remote is the client's address, without port. Proxied says that it is that of a proxy, and so of many clients.
	Remote  string
	Proxied bool
	// Client is the client's own word for itself, by which it is known again when it comes back; "" is none (linger.go).
	Client string
}

// Conn is where a socket and the engine meet: what was read goes in through it, and what is to be written waits in its
// outbox. Topics and users know a connection by its link, which is part of the actor's memory (connection.go).
type Conn struct {
	outbox outbox.Outbox // first, so that its halves are as few places of memory as they can be

	// Static after Connect.
	node   *services
	remote string
	began  int64 // when it was connected, as wheel.since tells it
	resume *resume.Client
	box    mailbox.Mailbox

	// post is where the connection stands: in which tenant, speaking which dialect. It changes at most twice, before
	// the connection is with its user: when the first frame decides the dialect, and when the token decides the tenant.
	post       atomic.Pointer[placement]
	projection atomic.Pointer[protocol.Projection] // what is left of events to its user and to everyone; nil is the whole
	identity   atomic.Pointer[protocol.Identity]   // nil until authenticated

	heard      atomic.Int64 // when the peer last said anything, as wheel.since tells it
	inMessages atomic.Uint64
	inBytes    atomic.Uint64
	flags      flags

	// What Receive has handed on and the actor has not read. mu guards it.
	unread int16
	over   bool // nothing will be read any more
	mu     sync.Mutex
	room   chan struct{} // closed when there is room again; nil while nobody waits
	cancel func()        // ends what the actor waits for, see request; nil while it waits for nothing
}

// flags are facts about a connection that several goroutines ask for; one that is set stays set. One word holds them all,
// since an idle connection pays for each of its bytes.
type flags struct{ bits atomic.Uint32 }

const (
	isSlow      uint32 = 1 << iota // it was found too slow, and the connection told
	isGone                         // the socket has ended
	isOut                          // the actor has stopped
	hasBorrowed                    // some of what it hears goes, or went, by another right than its own (right.go)
)

// set sets a flag and reports whether it was not set before.
func (f *flags) set(flag uint32) (first bool) { return f.bits.Or(flag)&flag == 0 }

func (f *flags) has(flag uint32) bool { return f.bits.Load()&flag != 0 }

// since is when the connection was made.
func (l *Conn) since() time.Time { return l.node.wheel.Time(l.began) }

// maxUnread is how many messages of one connection may wait for its actor before its reader has to.
const maxUnread = 32

// number is the connection's, unique in the life of the node.
func (l *Conn) number() uint64 { return l.outbox.Number() }

// ID names the connection in the API, the logs and, in some dialects, on the wire.
func (l *Conn) ID() string { return idOf(l.number()) }

func idOf(number uint64) string { return "ws-" + strconv.FormatUint(number, 10) }

// numberOf is the number in a connection's id; 0 if it is none.
func numberOf(id string) uint64 {
	digits, ok := strings.CutPrefix(id, "ws-")
	if !ok {
		return 0
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0
	}
	return number
}

func (l *Conn) tenant() *tenantCore       { return l.post.Load().tenant }
func (l *Conn) dialect() protocol.Dialect { return l.post.Load().dialect }

// view is what is left for the connection of what is sent to its user or to everyone.
func (l *Conn) view() protocol.Projection {
	if v := l.projection.Load(); v != nil {
		return *v
	}
	return protocol.All
}

// Outbox is what the wire writes from.
func (l *Conn) Outbox() *outbox.Outbox { return &l.outbox }

// Receive hands on one message; data is copied. It blocks while too many messages of this connection wait, so that the
// peer feels it, until there is room or the connection ends. One goroutine calls it, the socket's reader.
func (l *Conn) Receive(data []byte, binary bool) {
	l.Heard()
	l.inMessages.Add(1)
	l.inBytes.Add(uint64(len(data)))
	l.mu.Lock()
	for l.unread >= maxUnread && !l.over {
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		<-room
		l.mu.Lock()
	}
	l.unread++
	over := l.over
	l.mu.Unlock()
	if !over {
		l.box.SendUnbounded(received{append([]byte(nil), data...), binary})
	}
}

// read says that the actor has read one message.
func (l *Conn) read() {
	l.mu.Lock()
	l.unread--
	if l.unread <= maxUnread/2 {
		l.makeRoom()
	}
	l.mu.Unlock()
}

// stopReading lets a waiting reader go: nobody will read what it brings.
func (l *Conn) stopReading() {
	l.mu.Lock()
	l.over = true
	l.makeRoom()
	cancel := l.cancel
	l.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// step is the context of one thing that the connection asks of other actors. It ends after Config.RequestTimeout, and
// not with the connection: what was begun is finished, so that nothing that a client left is lost between two of them.
func (l *Conn) step() (ctx context.Context, done context.CancelFunc) {
	return context.WithTimeout(context.Background(), l.node.cfg.RequestTimeout)
}

// request is the context of one thing that the connection asks of the outside. It ends after Config.RequestTimeout, and
// with the connection. It costs something only while it lasts. The connection's actor calls it, and done when it has the
// answer.
func (l *Conn) request() (ctx context.Context, done func()) {
	ctx, cancel := l.step()
	l.mu.Lock()
	defer l.mu.Unlock()
	outer := l.cancel
	l.cancel = cancel
	if l.over {
		cancel()
	}
	return ctx, func() {
		l.mu.Lock()
		l.cancel = outer
		l.mu.Unlock()
		cancel()
	}
}

func (l *Conn) makeRoom() {
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}

// Heard says that the peer lives: a pong, or part of a message.
func (l *Conn) Heard() { l.heard.Store(l.node.wheel.Since(time.Now())) }

// Gone says that the socket has ended, and why: protocol.Disconnected for a peer that closed, Lost for one that went
// without a word, Malformed for one that broke the protocol, Slow for one that did not read. Only the first call counts.
func (l *Conn) Gone(reason protocol.Reason) {
	if l.flags.set(isGone) {
		l.stopReading()
		l.box.SendUnbounded(socketEnded{reason})
	}
}

// Finish says that the client says no more, and why (see Gone). It does not block: then is called once all that came
// before is handled and what is said to it is in the outbox, by which time the connection has left its topics and its
// user. It may be called during the call, and more than once.
func (l *Conn) Finish(reason protocol.Reason, then func()) { l.box.SendUnbounded(finish{reason, then}) }

// Resumable reports whether the client may come back to what this connection leaves if it breaks now.
func (l *Conn) Resumable() bool {
	id := l.identity.Load()
	if l.resume == nil || id == nil || id.User == "" || id.Unverified {
		return false
	}
	return !l.flags.has(isSlow) && l.tenant().resumeAge.Load() > 0
}

// send offers a frame for this connection alone.
func (l *Conn) send(f *outbox.Frame) bool {
	n := l.outbox.Offer(f)
	if n == outbox.RefusedFull {
		l.tooSlow()
	}
	return l.outbox.Charge(n)
}

// tooSlow counts a frame that the outbox did not take, and has the connection ended.
func (l *Conn) tooSlow() {
	l.node.dropped(protocol.Slow, 1)
	if l.flags.set(isSlow) {
		l.box.SendUnbounded(endConnection{err: &protocol.Refusal{Reason: protocol.Slow}})
	}
}

// user is the user the connection speaks for, "" while nobody.
func (l *Conn) user() string {
	if id := l.identity.Load(); id != nil {
		return id.User
	}
	return ""
}

// deadlineTimer is a connection as the timing wheel knows it: the wheel fires at its next deadline.
type deadlineTimer Conn

func (d *deadlineTimer) Fire() { (*Conn)(d).box.SendUnbounded(deadlineDue{}) }

// say queues what is said to this connection alone; see Outbox.say.
func (l *Conn) sendControl(op outbox.Op, data []byte, behind bool) bool {
	n := l.outbox.SendControl(op, data, behind)
	if n == outbox.RefusedFull {
		l.tooSlow()
	}
	return l.outbox.Charge(n)
}

// peer is who the connection speaks for, as its limits count it.
func (l *Conn) peer() limit.Peer { return limit.Peer{User: l.user(), Address: l.remote} }

// silentAt is when the peer is gone if nothing is heard of it until then. The next ping is before that, as long as it answers,
// so that it costs no alarm of its own. A dialect whose clients do not always read has its own say.
func (l *Conn) silentAt() int64 {
	return l.heard.Load() + int64(max(l.node.cfg.Timeout, l.dialect().Limits().Unread))
}

func (l *Conn) stats(now time.Time) DialectStats {
	frames, bytes := l.outbox.Sent()
	return DialectStats{
		MessagesReceived: l.inMessages.Load(), BytesReceived: l.inBytes.Load(),
		MessagesSent: frames, BytesSent: bytes,
		Lifetime: max(now.Sub(l.since()), 0),
	}
}
