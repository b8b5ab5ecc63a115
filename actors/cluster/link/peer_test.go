package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// pair is two nodes and what is on its way between them.
type pair struct {
	now time.Duration
	end [2]*Peer
	way [2][][]byte // parcels to each
}

func newPair() *pair { return &pair{end: [2]*Peer{NewPeer(1), NewPeer(1)}} }

// pack puts all parcels that are due at one end on their way.
func (p *pair) pack(from int) {
	for {
		parcel, due := p.end[from].Pack(p.now, nil)
		if !due {
			return
		}
		p.way[1-from] = append(p.way[1-from], parcel)
	}
}

// receive gives one end all that is on its way there.
func (p *pair) receive(t *testing.T, to int) (news News, frames []string) {
	t.Helper()
	parcels := p.way[to]
	p.way[to] = nil
	for _, parcel := range parcels {
		heard, all, err := p.end[to].Receive(p.now, parcel)
		if err != nil && !errors.Is(err, ErrStale) {
			t.Fatal(err)
		}
		news.Began = news.Began || heard.Began
		news.Hole = news.Hole || heard.Hole
		news.Lost = news.Lost || heard.Lost
		for f := range all {
			frames = append(frames, string(f))
		}
	}
	return news, frames
}

// meet has both ends hear of each other.
func (p *pair) meet(t *testing.T) {
	t.Helper()
	for range 3 {
		p.pack(0)
		p.pack(1)
		p.receive(t, 0)
		p.receive(t, 1)
	}
	if p.end[0].Incarnation() != p.end[1].self || p.end[1].Incarnation() != p.end[0].self {
		t.Fatal("the ends do not know each other")
	}
}

func (p *pair) send(t *testing.T, from int, frames ...string) {
	t.Helper()
	for _, f := range frames {
		if err := p.end[from].Send(p.now, []byte(f)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPeer_FramesOfOneTurnGoInOneParcelAndInOrder(t *testing.T) {
	p := newPair()
	p.meet(t)
	p.send(t, 0, "one", "two", "three")
	p.pack(0)
	if len(p.way[1]) != 1 {
		t.Fatalf("%d parcels", len(p.way[1]))
	}
	if news, got := p.receive(t, 1); news != (News{}) || !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("got %v with %+v", got, news)
	}
}

func TestPeer_AFrameForAPeerThatWasNotHeardIsRefused(t *testing.T) {
	if err := NewPeer(1).Send(0, []byte("x")); !errors.Is(err, ErrApart) {
		t.Error(err)
	}
}

func TestPeer_FramesBeyondTheirLimitAreRefused(t *testing.T) {
	p := newPair()
	p.meet(t)
	for _, size := range []int{0, MaxFrame + 1} {
		if err := p.end[0].Send(0, make([]byte, size)); !errors.Is(err, ErrTooBig) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	p.send(t, 0, string(make([]byte, MaxFrame)))
	p.pack(0)
	if _, got := p.receive(t, 1); len(got) != 1 || len(got[0]) != MaxFrame {
		t.Error("the longest frame did not come")
	}
}

func TestPeer_ALossIsToldToBothSides(t *testing.T) {
	p := newPair()
	p.meet(t)
	p.send(t, 0, "lost")
	p.pack(0)
	p.way[1] = nil
	p.send(t, 0, "next")
	p.pack(0)
	if news, got := p.receive(t, 1); !news.Hole || !slices.Equal(got, []string{"next"}) {
		t.Errorf("the receiver got %v with %+v", got, news)
	}
	p.pack(1)
	if news, _ := p.receive(t, 0); !news.Lost || news.Hole {
		t.Errorf("the sender was told %+v", news)
	}
	if n := p.end[0].Waiting(); n != 0 {
		t.Errorf("%d bytes have no credit back", n)
	}
}

func TestPeer_ALossOfTheLastFrameIsToldByAPing(t *testing.T) {
	p := newPair()
	p.meet(t)
	p.send(t, 0, "lost")
	p.pack(0)
	p.way[1] = nil
	p.now += Ping
	p.pack(0)
	if news, _ := p.receive(t, 1); !news.Hole {
		t.Error("the receiver does not know")
	}
}

func TestPeer_ARepeatedParcelIsIgnored(t *testing.T) {
	p := newPair()
	p.meet(t)
	p.send(t, 0, "once")
	p.pack(0)
	p.way[1] = append(p.way[1], p.way[1]...)
	if news, got := p.receive(t, 1); news.Hole || len(got) != 1 {
		t.Errorf("got %v with %+v", got, news)
	}
}

func TestPeer_ANewProcessBeginsANewLink(t *testing.T) {
	p := newPair()
	p.meet(t)
	p.send(t, 0, "for the old process")
	p.pack(0)
	late := p.way[1]
	p.end[1] = NewPeer(2)
	p.way[1] = nil
	p.pack(1)
	if news, _ := p.receive(t, 0); !news.Began {
		t.Fatal("the new process was not noticed")
	}
	p.meet(t)
	p.way[1] = late
	if _, got := p.receive(t, 1); got != nil {
		t.Errorf("the new process got %v", got)
	}
	p.send(t, 0, "for the new one")
	p.pack(0)
	if news, got := p.receive(t, 1); news.Hole || !slices.Equal(got, []string{"for the new one"}) {
		t.Errorf("got %v with %+v", got, news)
	}
}

func TestPeer_ParcelsOfAFormerProcessAreIgnored(t *testing.T) {
	p := newPair()
	p.meet(t)
	p.send(t, 0, "old")
	p.pack(0)
	late := p.way[1][0]
	p.end[0] = NewPeer(2)
	p.meet(t)
	if _, _, err := p.end[1].Receive(p.now, late); !errors.Is(err, ErrStale) {
		t.Error(err)
	}
}

func TestPeer_APeerThatStopsCostsCreditAndQueueAlone(t *testing.T) {
	p := newPair()
	p.meet(t)
	frame := make([]byte, 1000)
	sent, refused := 0, 0
	for range 60_000 { // a minute at 1,000 a second
		p.now += time.Millisecond
		if err := p.end[0].Send(p.now, frame); err == nil {
			sent++
		} else if errors.Is(err, ErrBehind) {
			refused++
		} else {
			t.Fatal(err)
		}
		p.pack(0)
		if n := p.end[0].Waiting(); n > Credit+QueueBytes+MaxParcel {
			t.Fatalf("%d bytes are held", n)
		}
	}
	if refused < 50_000 || p.end[0].Counts.Behind == 0 || p.end[0].Counts.Dropped < uint64(refused) {
		t.Errorf("%d taken, %d refused, %+v", sent, refused, p.end[0].Counts)
	}
	if news, _ := p.receive(t, 1); !news.Hole { // it goes on
		t.Error("the peer does not know that it missed something")
	}
	p.pack(1)
	if news, _ := p.receive(t, 0); !news.Lost {
		t.Error("the sender does not know")
	}
	p.send(t, 0, "after the pause")
	p.pack(0)
	if _, got := p.receive(t, 1); !slices.Equal(got, []string{"after the pause"}) {
		t.Errorf("got %d frames after the pause", len(got))
	}
}

func TestPeer_FramesThatNoCarrierTakesAreDroppedAfterASecond(t *testing.T) {
	p := newPair()
	p.meet(t)
	p.send(t, 0, "waits")
	p.now += Patience + 1
	p.pack(0)
	if news, got := p.receive(t, 1); !news.Hole || got != nil {
		t.Errorf("got %v with %+v", got, news)
	}
	p.send(t, 0, "fresh")
	p.pack(0)
	if news, got := p.receive(t, 1); news.Hole || !slices.Equal(got, []string{"fresh"}) {
		t.Errorf("got %v with %+v", got, news)
	}
}

func TestPeer_AnIdleLinkPingsAndNothingMore(t *testing.T) {
	p := newPair()
	p.meet(t)
	parcels := 0
	for range 1000 {
		p.now += time.Millisecond
		p.pack(0)
		parcels += len(p.way[1])
		p.receive(t, 1)
	}
	if parcels < 9 || parcels > 10 {
		t.Errorf("%d parcels in a second", parcels)
	}
}

// A lossy carrier never makes a link give a frame twice or out of order, or lose one without a word to both sides.
func TestPeer_NothingIsLostInSilenceOverALossyCarrier(t *testing.T) {
	for seed := range uint64(200) {
		lossy(t, seed)
	}
}

func lossy(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	p := newPair()
	p.meet(t)
	var next, heard uint64 // numbers in frames
	told, lost, hole := 0, 0, false
	for range 300 {
		p.now += time.Duration(r.IntN(30)) * time.Millisecond
		for range r.IntN(4) {
			next++
			p.send(t, 0, string(binary.BigEndian.AppendUint64(nil, next)))
		}
		p.pack(0)
		p.pack(1)
		for to := range p.way {
			p.way[to] = slices.DeleteFunc(p.way[to], func([]byte) bool { return r.IntN(10) == 0 })
		}
		news, frames := p.receive(t, 1)
		if news.Hole {
			told++
			hole = true
		}
		for _, f := range frames {
			n := binary.BigEndian.Uint64([]byte(f))
			if n <= heard || n > heard+1 && !hole {
				t.Fatalf("seed %d: %d came after %d without a word", seed, n, heard)
			}
			heard, hole = n, false
		}
		if news, _ := p.receive(t, 0); news.Lost {
			lost++
		}
	}
	if told == 0 || lost == 0 {
		t.Fatalf("seed %d: the receiver was told %d times of a loss and the sender %d times", seed, told, lost)
	}
}

func FuzzReceive(f *testing.F) {
	p := newPair()
	f.Add([]byte{})
	for _, h := range []header{{1, 0, 0, 0, 0}, {1, 1, 1, 0, 0}, {2, 1, 1 << 63, 0, 0}, {1, 1, 2, 1, 1}} {
		f.Add(h.append(nil))
		f.Add(append(h.append(nil), 3, 'o', 'n', 'e', 3, 't', 'w', 'o'))
		f.Add(append(h.append(nil), 4, 'o', 'n', 'e'))
	}
	p.pack(0)
	f.Add(p.way[1][0])
	f.Fuzz(func(t *testing.T, parcel []byte) {
		p := newPair()
		p.meet(t)
		p.send(t, 1, "on its way")
		p.pack(1)
		before := bytes.Clone(parcel)
		_, frames, err := p.end[1].Receive(time.Second, parcel)
		for frame := range frames {
			if err != nil || len(frame) == 0 || len(frame) > len(parcel) {
				t.Fatalf("a frame of %d bytes with %v", len(frame), err)
			}
		}
		if !bytes.Equal(before, parcel) {
			t.Fatal("the parcel was changed")
		}
		if p.end[1].Waiting() > len("on its way")+maxLength {
			t.Fatal("the link holds more than before")
		}
	})
}

// BenchmarkPeer is a frame's way from one end to the other, with 200 bytes and up to 64 KiB a parcel.
func BenchmarkPeer(b *testing.B) {
	p := newPair()
	for from := range 2 {
		parcel, _ := p.end[from].Pack(0, nil)
		_, _, _ = p.end[1-from].Receive(0, parcel)
	}
	frame := make([]byte, 200)
	var buffer []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := p.end[0].Send(p.now, frame); err != nil {
			b.Fatal(err)
		}
		if i%256 > 0 {
			continue
		}
		p.now += ackDelay
		for from := range 2 {
			parcel, due := p.end[from].Pack(p.now, buffer[:0])
			if buffer = parcel; due {
				_, frames, _ := p.end[1-from].Receive(p.now, parcel)
				for range frames {
				}
			}
		}
	}
}
