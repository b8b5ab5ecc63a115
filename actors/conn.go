package actors

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// Conn is where a socket and the engine meet: the socket's reader hands it what it read, and what is to be written
// waits in its outbox. Topics and users know a connection by its Conn, which is part of the actor's memory
// (connection.go). Its exported methods may be called from many goroutines, except where they say otherwise.
type Conn struct {
	outbox outbox.Outbox // first, so that its halves span as few cache lines as they can

	// Static after Connect.
	node   *services
	remote string
	began  int64 // when it was connected, as timer.Wheel.Since measures it
	resume *resume.Client
	box    mailbox.Mailbox

	// post is the connection's placement: its tenant and its dialect. It changes at most twice, before the connection
	// joins its user: when the first frame decides the dialect, and when the token decides the tenant.
	post       atomic.Pointer[placement]
	projection atomic.Pointer[protocol.Projection] // of events to its user and broadcasts; nil is all of them
	identity   atomic.Pointer[protocol.Identity]   // nil until authenticated

	recorder.Trace // of how it ends; the transport calls Note

	heard      atomic.Int64 // when the peer last said anything, as timer.Wheel.Since measures it
	inMessages atomic.Uint64
	inBytes    atomic.Uint64
	flags      flags

	// Guarded by mu.
	last   recorder.Last // messages of the client
	unread int16         // messages that Receive has handed on and the actor has not read
	over   bool          // the actor will read no more
	mu     sync.Mutex
	room   chan struct{} // closed when there is room again; nil while no reader waits
	cancel func()        // cancels the request that the actor waits for, see request; nil while it waits for none
}

// flags are facts about a connection that several goroutines ask for; a flag that is set stays set. One word holds them
// all, since an idle connection pays for each of its bytes.
type flags struct{ bits atomic.Uint32 }

const (
	isSlow      uint32 = 1 << iota // it was found too slow, and its actor knows or will
	isGone                         // the socket has ended
	isOut                          // the actor has stopped
	hasBorrowed                    // it has, or had, a subscription by another identity's grant (connection_grants.go)
)

// set sets a flag and reports whether it was not set before.
func (f *flags) set(flag uint32) (first bool) { return f.bits.Or(flag)&flag == 0 }

func (f *flags) has(flag uint32) bool { return f.bits.Load()&flag != 0 }

// sourceOf describes a connection for taps.
func sourceOf(l *Conn) info.Source {
	return info.Source{
		Connection: l.ID(), User: l.user(), Dialect: l.dialect().Name(), LoggedIn: l.identity.Load() != nil,
	}
}

// since is when the connection was made.
func (l *Conn) since() time.Time { return l.node.wheel.Time(l.began) }

// maxUnread is how many messages of one connection may wait for its actor; with more, its reader waits.
const maxUnread = 32

// number is the connection's number, unique in the life of the node.
func (l *Conn) number() uint64 { return l.outbox.Number() }

// ID names the connection in the API, the logs and, in some dialects, on the wire: "ws-" and its number.
func (l *Conn) ID() string { return info.ConnectionID(l.number()) }

func (l *Conn) tenant() *tenantCore       { return l.post.Load().tenant }
func (l *Conn) dialect() protocol.Dialect { return l.post.Load().dialect }

// view is the projection for events that are sent to the connection's user or to all connections.
func (l *Conn) view() protocol.Projection {
	if v := l.projection.Load(); v != nil {
		return *v
	}
	return protocol.All
}

// Outbox is the queue from which the transport writes.
func (l *Conn) Outbox() *outbox.Outbox { return &l.outbox }

// Receive hands one message to the connection's actor; it copies data. While too many messages of this connection wait,
// it blocks until there is room or the connection ends, so that the peer feels the backpressure. One goroutine calls
// it, the socket's reader.
func (l *Conn) Receive(data []byte, binary bool) {
	l.Heard()
	number := l.inMessages.Add(1)
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
	l.last.Set(number-1, binary, len(data))
	l.unread++
	over := l.over
	l.mu.Unlock()
	if !over {
		l.box.SendUnbounded(received{append([]byte(nil), data...), binary})
	}
}

// read notes that the actor has read one message.
func (l *Conn) read() {
	l.mu.Lock()
	l.unread--
	if l.unread <= maxUnread/2 {
		l.makeRoom()
	}
	l.mu.Unlock()
}

// stopReading lets a waiting reader go, since the actor will read no more, and cancels the request that the actor waits
// for.
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

// step is the context of one request of the connection to other actors. It ends after Config.RequestTimeout, and not
// with the connection: the connection finishes what it began, so that nothing that a client left is lost between two
// actors.
func (l *Conn) step() (ctx context.Context, done context.CancelFunc) {
	return context.WithTimeout(context.Background(), l.node.cfg.RequestTimeout)
}

// request is the context of one request of the connection to the outside. It ends after Config.RequestTimeout, and with
// the connection. It costs something only while it lasts. The connection's actor calls it, and calls done when it has
// the answer.
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

// Heard notes that the peer lives: a pong came in, or a part of a message. It does not block.
func (l *Conn) Heard() { l.heard.Store(l.node.wheel.Since(time.Now())) }

// Gone notes that the socket has ended, and why: protocol.Disconnected if the peer closed it, Lost if the peer vanished
// without a word, Malformed if it broke the protocol, Slow if it did not read. Only the first call counts. It does not
// block.
func (l *Conn) Gone(reason protocol.Reason) {
	if l.flags.set(isGone) {
		l.stopReading()
		l.box.SendUnbounded(socketEnded{reason})
	}
}

// Finish notes that the client will say no more, and why (see Gone). It does not block. The actor calls then once
// everything that came before is handled and the answers to it are in the outbox; by that time the connection has left
// its topics and its user. then may be called before Finish returns, and more than once.
func (l *Conn) Finish(reason protocol.Reason, then func()) { l.box.SendUnbounded(finish{reason, then}) }

// Resumable reports whether the client could come back to its session if the connection broke now.
func (l *Conn) Resumable() bool {
	id := l.identity.Load()
	if l.resume == nil || id == nil || id.User == "" || id.Unverified {
		return false
	}
	return !l.flags.has(isSlow) && l.tenant().resumeAge.Load() > 0
}

// send offers a frame that is for this connection alone, and reports whether the outbox took it.
func (l *Conn) send(f *outbox.Frame) bool {
	n := l.outbox.Offer(f, l.node.eventWhen(f.Born))
	if n == outbox.RefusedFull {
		l.tooSlow()
	}
	return l.outbox.Charge(n)
}

// tooSlow counts a frame for which the outbox had no room, and has the connection ended.
func (l *Conn) tooSlow() {
	l.node.totals.Dropped(protocol.Slow, 1)
	endSlow(l)
}

// endSlow has a slow connection ended, and reports false if that was done already.
func endSlow(l *Conn) bool {
	first := l.flags.set(isSlow)
	if first {
		l.box.SendUnbounded(endConnection{err: &protocol.Refusal{Reason: protocol.Slow}})
	}
	return first
}

// user is the name of the connection's user, "" if it has none.
func (l *Conn) user() string {
	if id := l.identity.Load(); id != nil {
		return id.User
	}
	return ""
}

// sendControl queues a control frame, which is for this connection alone; see Outbox.SendControl.
func (l *Conn) sendControl(op outbox.Op, data []byte, behind bool) bool {
	n := l.outbox.SendControl(op, data, behind)
	if n == outbox.RefusedFull {
		l.tooSlow()
	}
	return l.outbox.Charge(n)
}

// peer is the user and address to which the limits charge what the connection brings.
func (l *Conn) peer() limit.Peer { return limit.Peer{User: l.user(), Address: l.remote} }

func (l *Conn) stats(now time.Time) stats.Connections {
	sent := l.outbox.Stats()
	return stats.Connections{
		MessagesReceived: l.inMessages.Load(), BytesReceived: l.inBytes.Load(),
		MessagesSent: sent.SentFrames, BytesSent: sent.SentBytes,
		Lifetime: max(now.Sub(l.since()), 0),
	}
}
