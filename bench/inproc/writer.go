package inproc

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
)

const (
	takeBytes   = 64 << 10 // that are taken of one client at once, as transport/websocket does
	reportEvery = 1024     // clients between two looks at who waits for figures
)

// writer takes what waits for its clients.
type writer struct {
	harness *Harness // static

	mu         sync.Mutex
	awake      sync.Cond
	head, tail *Client // woken, in order
	idle       bool    // run waits on awake
	stopped    bool

	// Owned by run.
	frames        []*outbox.Frame
	buf           []byte
	events, pongs int64 // taken and not yet told
}

func newWriter(h *Harness) *writer {
	w := &writer{harness: h, buf: make([]byte, 0, takeBytes)}
	w.awake.L = &w.mu
	return w
}

func (w *writer) enqueue(cl *Client) {
	w.mu.Lock()
	if w.tail == nil {
		w.head = cl
	} else {
		w.tail.next = cl
	}
	w.tail = cl
	wake := w.idle
	w.idle = false
	w.mu.Unlock()
	if wake {
		w.awake.Signal()
	}
}

func (w *writer) stop() {
	w.mu.Lock()
	w.stopped, w.idle = true, false
	w.mu.Unlock()
	w.awake.Signal()
}

func (w *writer) run() {
	for {
		cl := w.dequeue()
		if cl == nil {
			return
		}
		for served := 1; cl != nil; served++ {
			next := cl.next
			cl.next = nil
			w.serve(cl)
			if cl = next; cl == nil || served%reportEvery == 0 {
				w.report()
			}
		}
	}
}

// dequeue waits for clients and takes all that are queued.
func (w *writer) dequeue() *Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.head == nil && !w.stopped {
		w.idle = true
		w.awake.Wait()
	}
	if w.stopped {
		return nil
	}
	cl := w.head
	w.head, w.tail = nil, nil
	return cl
}

// serve takes frames until none waits for the client.
func (w *writer) serve(cl *Client) {
	outbox := cl.link.Outbox()
	for {
		frames := outbox.Take(w.frames[:0], takeBytes)
		w.frames = frames
		if len(frames) == 0 {
			return
		}
		w.buf = w.buf[:0]
		for _, f := range frames {
			w.write(f)
			cl.receive(f)
		}
		freed, more := outbox.Ack(frames, time.Now().UnixNano())
		outbox.Backpressure().Add(-freed)
		clear(frames)
		if !more { // the next offer enqueues the client again, which may be before this line
			return
		}
	}
}

// write copies a frame to where the system call would read it.
func (w *writer) write(f *outbox.Frame) {
	if n := len(f.Data); n < 126 {
		w.buf = append(w.buf, 0x80|byte(f.Op), byte(n))
	} else {
		w.buf = binary.BigEndian.AppendUint16(append(w.buf, 0x80|byte(f.Op), 126), uint16(n))
	}
	w.buf = append(w.buf, f.Data...)
}

func (w *writer) report() {
	w.harness.events.add(w.events)
	w.harness.pongs.add(w.pongs)
	w.events, w.pongs = 0, 0
}
