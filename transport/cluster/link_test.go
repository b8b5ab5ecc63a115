package cluster

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/link"
)

// end is a node's end of a link over a port.
type end struct {
	mu    sync.Mutex
	begun time.Time
	link  *link.Peer
	peer  *Peer
	send  func(parcel []byte)
	heard int
	wait  int // for so many frames
	done  chan struct{}
	up    chan struct{}
	met   chan struct{} // when the other end was heard first
	holes chan bool     // gets true when frames are missing

	authority *Authority
}

func newEnd(start uint64) *end {
	return &end{
		begun: time.Now(), link: link.NewPeer(start), done: make(chan struct{}, 1),
		up: make(chan struct{}, 9), met: make(chan struct{}, 9), holes: make(chan bool, 9),
	}
}

func (e *end) Parcel(_ string, parcel []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	news, frames, err := e.link.Receive(time.Since(e.begun), parcel)
	if err != nil {
		return
	}
	if news.Began {
		e.met <- struct{}{}
	}
	if news.Hole {
		e.holes <- true
	}
	for range frames {
		if e.heard++; e.heard == e.wait {
			e.done <- struct{}{}
		}
	}
	e.pack()
}

func (e *end) Message(from string, message []byte) { e.Parcel(from, message) }

func (e *end) Up(*Peer, string) { e.up <- struct{}{} }

func (e *end) Down(*Peer, bool) {}

// pack sends the parcels that are due.
func (e *end) pack() {
	for {
		parcel, due := e.link.Pack(time.Since(e.begun), nil)
		if !due {
			return
		}
		e.send(parcel)
	}
}

// offer sends a frame, and reports whether it was taken.
func (e *end) offer(frame []byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.link.Waiting() < link.QueueBytes/2 && e.link.Send(time.Since(e.begun), frame) == nil
}

func (e *end) flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pack()
}

// linked makes two nodes that have met, over protoactor or over a stream.
func linked(t testing.TB, stream bool) (a, b *end) {
	ca := authority(t, "blue")
	a, b = newEnd(1), newEnd(1)
	a.authority = ca
	portA, portB := listen(t, certificates(t, ca, "a"), a), listen(t, certificates(t, ca, "b"), b)
	for _, e := range []struct {
		end  *end
		peer *Peer
	}{{a, portA.Connect(portB.Address())}, {b, portB.Connect(portA.Address())}} {
		e.end.peer, e.end.send = e.peer, e.peer.Parcel
		if stream {
			e.end.send = func(parcel []byte) { e.peer.Message(parcel) }
		}
		<-e.end.up
	}
	a.flush() // the other end answers
	<-b.met
	<-a.met
	return a, b
}

// A peer that does not read stops its parcels and nothing else: they wait in the link, up to its bounds.
func TestPort_APeerThatDoesNotReadCostsItsCreditAndDelaysNobody(t *testing.T) {
	from, stopped := linked(t, false)
	living := newRecorder()
	other := from.peer.port.Connect(listen(t, certificates(t, from.authority, "c"), living).Address())
	<-from.up
	stopped.mu.Lock() // its handler blocks
	frame, refused := make([]byte, 10_000), 0
	for range 4000 {
		from.mu.Lock()
		if from.link.Send(time.Since(from.begun), frame) != nil {
			refused++
		}
		from.pack()
		waiting := from.link.Waiting()
		from.mu.Unlock()
		if waiting > link.Credit+link.QueueBytes+link.MaxParcel {
			t.Fatalf("the link holds %d bytes", waiting)
		}
	}
	other.Parcel([]byte("prompt"))
	if got := await(t, "parcel at another node", living.parcels); got != "a: prompt" {
		t.Error(got)
	}
	if refused < 3000 {
		t.Errorf("%d of 4000 frames were refused", refused)
	}
	stopped.mu.Unlock()
	if !await(t, "word of the loss", stopped.holes) {
		t.Error("the peer does not know that it missed frames")
	}
}

func BenchmarkPort(b *testing.B) {
	for name, stream := range map[string]bool{"protoactor": false, "stream": true} {
		b.Run(name, func(b *testing.B) {
			from, to := linked(b, stream)
			frame := make([]byte, 200)
			to.mu.Lock()
			to.heard, to.wait = 0, b.N
			to.mu.Unlock()
			before := cpu()
			b.ResetTimer()
			for i := range b.N {
				for !from.offer(frame) {
					from.flush()
					time.Sleep(100 * time.Microsecond)
				}
				if i%100 == 99 {
					from.flush()
				}
			}
			for ended := false; !ended; {
				from.flush()
				select {
				case <-to.done:
					ended = true
				case <-time.After(20 * time.Millisecond):
				}
			}
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N), "cpu-ns/event")
			from.mu.Lock()
			b.ReportMetric(float64(from.link.Counts.Behind), "behind")
			from.mu.Unlock()
		})
	}
}

// cpu is what this process, which has both nodes, has used of processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
