package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/parley-realtime/parley/transport/auth"
)

// reliability.md check 3: lengths with the top bit set, which end a process that is not careful, end their own socket
// alone.
func TestHostile_TopBitLengthsEndOnlyTheirOwnSocket(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	bystanders := r.watchers(scale(20, 1000))
	var frames [][]byte
	for _, claim := range []uint64{1 << 63, 1<<63 + 5, 1<<64 - 1, 1<<64 - 9} {
		for _, first := range []byte{0x81, 0x82, 0x80} {
			frames = append(frames, claiming(first, claim))
		}
	}
	frames = append(frames, claiming(0x89, 1<<64-1), claiming(0x88, 1<<64-1))
	rounds := scale(3, 100)
	for round := range rounds {
		for _, frame := range frames {
			w := r.wire(everyPath[round%len(everyPath)])
			if _, err := w.Write(frame); err != nil {
				t.Fatal(err)
			}
			if code := w.farewell(); code != 1002 {
				t.Errorf("% x ends with %d, want 1002", frame[:10], code)
			}
			w.Close()
		}
		bystanders.hear()
	}
	bystanders.heardAll()
	r.alive()
	t.Logf("%d frames beside %d clients: same process, all heard %d of %d events in order", rounds*len(frames),
		bystanders.size, bystanders.said, bystanders.said)
}

// claiming is a frame's header with a length of 64 bits, its mask, and a little of its payload.
func claiming(first byte, length uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, length), 1, 2, 3, 4, 'n', 'a', 'k', 'e', 'd')
}

// reliability.md check 4: random frames, most of them nearly right, each seed on a socket of its own, harm nobody else.
func TestHostile_RandomFramesHarmNobodyElse(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	bystanders := r.watchers(scale(10, 100))
	bystanders.hear()
	before, measured := r.resident()
	seeds, pace := scale(120, 5000), time.NewTicker(time.Duration(scale(1, 120))*time.Millisecond) // 10 minutes
	defer pace.Stop()
	began := time.Now()
	var babblers sync.WaitGroup
	for seed := range seeds {
		<-pace.C
		w := r.wire(everyPath[seed%len(everyPath)])
		babblers.Go(func() { w.babble(uint64(seed)) })
		if seed%10 == 0 {
			bystanders.hear()
		}
	}
	babblers.Wait()
	took := time.Since(began)
	bystanders.hear()
	if measured && full() { // a small run is over before the collector has come by
		r.calms(before)
	}
	bystanders.heardAll()
	r.alive()
	t.Logf("%d seeds in %s beside %d clients: same process, all heard %d of %d events in order", seeds,
		took.Round(time.Second), bystanders.size, bystanders.said, bystanders.said)
}

// calms waits until memory is back within 10 % of what it was, for at most the 30 s that the check gives.
func (r *running) calms(before int64) {
	r.t.Helper()
	now, second := int64(0), time.NewTicker(time.Second)
	defer second.Stop()
	for range 30 {
		<-second.C
		if now, _ = r.resident(); now <= before+before/10 {
			break
		}
	}
	r.t.Logf("resident: %d KiB before, %d KiB after", before>>10, now>>10)
	if now > before+before/10 {
		r.t.Errorf("memory was %d KiB and stays at %d KiB", before>>10, now>>10)
	}
}

// babble writes random frames until the server has enough or 200 are written, and reads away what comes.
func (w *wire) babble(seed uint64) {
	defer w.Close()
	go func() {
		random := rand.New(rand.NewPCG(seed, 4))
		for range 200 {
			if _, err := w.Write(randomFrame(random)); err != nil {
				break
			}
		}
		if half, ok := w.Conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}()
	_, _ = io.Copy(io.Discard, w.in)
}

// randomFrame is a frame that is right in most of its parts, so that it gets far before it is refused.
func randomFrame(random *rand.Rand) []byte {
	odd := func(in int) bool { return random.IntN(in) == 0 }
	first := []byte{0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a, 0x88}[min(random.IntN(24), 7)%8]
	if odd(20) {
		first = byte(random.UintN(256))
	}
	payload := words(random, 300)[:random.IntN(300)]
	length := uint64(len(payload))
	if odd(40) {
		length = random.Uint64() >> random.UintN(64)
	}
	masked := byte(0x80)
	if odd(40) {
		masked = 0
	}
	frame := []byte{first, masked | byte(length)}
	switch {
	case length > 0xffff || odd(40):
		frame = binary.BigEndian.AppendUint64([]byte{first, masked | 127}, length)
	case length > 125:
		frame = binary.BigEndian.AppendUint16([]byte{first, masked | 126}, uint16(length))
	}
	return append(append(frame, 0, 0, 0, 0), payload...)
}

// reliability.md check 6: kicked by an operator's call while it sends at full speed, a client sees the exact code.
func TestHostile_KickedWhileSendingTheCodeArrives(t *testing.T) {
	t.Parallel()
	r := serve(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_VALTRONICS_MESSAGES_PER_SECOND=10000000"}, "--dev",
		"--feed=false")
	sign, codes := devTokens(t), map[int]int{}
	kicks := scale(20, 1000)
	for i := range kicks {
		user := fmt.Sprint("kicked-", i)
		codes[r.kick(user, sign(auth.Grant{User: user}))]++
	}
	if codes[4001] < kicks-kicks/1000 {
		t.Errorf("the codes that %d clients saw are %v, want 4001", kicks, codes)
	}
	t.Logf("%d of %d kicked clients saw the code", codes[4001], kicks)
}

// kick disconnects a client that sends as fast as it can, and returns the code that it saw.
func (r *running) kick(user, token string) int {
	r.t.Helper()
	w := r.wire("/ws/telemetry")
	defer w.Close()
	w.say(r.t, `{"type":"auth","token":"`+token+`"}`)
	if head, err := w.in.Peek(2); err != nil || head[0] != 0x81 {
		r.t.Fatalf("the login is answered with % x %v", head, err)
	}
	sending := make(chan struct{})
	go func() {
		flood := bytes.Repeat(masked(`{"type":"pong"}`), 50) // which is not answered
		for i := 0; ; i++ {
			if i == 10 {
				close(sending)
			}
			if _, err := w.Write(flood); err != nil {
				return
			}
		}
	}()
	<-sending
	if status, body := r.ask(http.MethodPost, "/api/v1/users/"+user+"/disconnect",
		`{"code":4001,"reason":"out"}`); body != `{"disconnected":1}` {
		r.t.Errorf("disconnect: %d %s", status, body)
	}
	return w.farewell()
}
