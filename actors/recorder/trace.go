package recorder

import (
	"sync/atomic"
	"unique"
)

// Trace is what a connection remembers for its entry while it lives. It is two words, since every connection has one:
// with more, a connection takes up the next larger piece of memory.
type Trace struct {
	handshake *handshake // nil without one; static after Begin
	ending    atomic.Pointer[Close]
}

type handshake struct {
	requestID string
	origin    unique.Handle[string] // most connections of a tenant have the same
}

// Begin notes what the handshake said.
func (t *Trace) Begin(requestID, origin string) {
	if len(origin) > maxText {
		origin = origin[:maxText]
	}
	t.handshake = &handshake{requestID, unique.Make(origin)}
}

// Note keeps how the connection ends; only the first Note counts. Any goroutine may call it. The transport calls it
// with what it alone knows, and without a reason, before the engine hears of the end.
func (t *Trace) Note(e Close) { t.ending.CompareAndSwap(nil, &e) }

// Decide keeps how the connection ends, as the engine sees it; only the first Decide counts. A Note that came before
// stays, and gets the reason and what was queued, which a transport does not know. The connection's actor calls it.
func (t *Trace) Decide(e Close) {
	if t.ending.CompareAndSwap(nil, &e) {
		return
	}
	if noted := t.ending.Load(); noted.Reason == "" {
		whole := *noted
		whole.Reason, whole.QueuedFrames, whole.QueuedBytes = e.Reason, e.QueuedFrames, e.QueuedBytes
		t.ending.Store(&whole)
	}
}

// Decided reports whether it is known how the connection ends.
func (t *Trace) Decided() bool {
	e := t.ending.Load()
	return e != nil && e.Reason != ""
}

// End gives an entry what the trace remembers.
func (t *Trace) End(e *Entry) {
	if from := t.handshake; from != nil {
		e.RequestID, e.Origin = from.requestID, from.origin.Value()
	}
	if ending := t.ending.Load(); ending != nil {
		e.Close = *ending
	}
	switch {
	case e.Code == 0 && e.By == Network:
		e.Code = NoFrame
	case e.Code == 0:
		e.Code = e.Reason.CloseCode()
	}
}
