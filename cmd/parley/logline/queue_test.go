package logline_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/logline"
)

// stream is a stream that can be broken. Only what it takes is in text.
type stream struct {
	mu   sync.Mutex
	text bytes.Buffer
	take func(p []byte) (int, error) // nil takes all
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := len(p), error(nil)
	if s.take != nil {
		n, err = s.take(p)
	}
	s.text.Write(p[:n])
	return n, err
}

func (s *stream) set(take func(p []byte) (int, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take = take
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func broken([]byte) (int, error) { return 0, syscall.EPIPE }

// lostLines is the line about lost lines, as tests like it.
func lostLines(lost uint64) []byte { return fmt.Appendf(nil, "lost %d\n", lost) }

// F9: a reader that has stopped holds up nobody; what finds no room is counted, and when it reads again it gets all
// that waited, in order, and how many lines are missing.
func TestQueue_AReaderThatHasStoppedHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const written = 100_000
		read, write := io.Pipe()
		q := logline.NewQueue(write, lostLines)
		for i := range written {
			if n, err := fmt.Fprintf(q, "line %d\n", i); err != nil || n == 0 {
				t.Fatalf("line %d: %d %v", i, n, err)
			}
		}
		synctest.Wait()
		lost := q.Lost()
		if lost.Full == 0 || lost.Full >= written || lost.Failed != 0 {
			t.Fatalf("%+v", lost)
		}
		var all []string
		go func() {
			for lines := bufio.NewScanner(read); lines.Scan(); {
				all = append(all, lines.Text())
			}
		}()
		if !q.Close(time.Second) {
			t.Error("the queue did not end")
		}
		write.Close()
		synctest.Wait()
		// the next line that is not missing; how many are, as the lines about that say where they are
		next, told := 0, 0
		for i, line := range all {
			var n int
			if _, err := fmt.Sscanf(line, "lost %d", &n); err == nil {
				next, told = next+n, told+n
			} else if next++; line != fmt.Sprint("line ", next-1) {
				t.Fatalf("line %d is %q, want %d", i, line, next-1)
			}
		}
		if next != written || told != int(lost.Full) {
			t.Fatalf("%d lines of %d, %d told to be lost of %d", next, written, told, lost.Full)
		}
	})
}

// F8: lines that the stream refuses are counted, and when it takes lines again one says how many are missing.
func TestQueue_LinesThatAreRefusedAreCountedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out stream
		q := logline.NewQueue(&out, lostLines)
		defer q.Close(0)
		say := func(line string) {
			_, _ = io.WriteString(q, line)
			synctest.Wait()
		}
		say("a\n")
		out.set(broken)
		say("b\nc\n")
		say("d\n")
		if lost := q.Lost(); lost.Failed != 3 || lost.Full != 0 {
			t.Errorf("%+v", lost)
		}
		out.set(nil)
		say("e\n")
		say("f\n")
		if got := out.String(); got != "a\ne\nlost 3\nf\n" {
			t.Errorf("the stream has %q", got)
		}
	})
}

// F8: of a line that a stream takes a part of, such as on a disk that fills, the next line is told apart.
func TestQueue_ALineAfterATornOneBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out stream
		q := logline.NewQueue(&out, nil)
		defer q.Close(0)
		out.set(func(p []byte) (int, error) { return min(len(p), 3), syscall.ENOSPC })
		_, _ = io.WriteString(q, "torn line\n")
		synctest.Wait()
		out.set(nil)
		_, _ = io.WriteString(q, "whole\n")
		synctest.Wait()
		if got := out.String(); got != "tor\nwhole\n" || q.Lost().Failed != 1 {
			t.Errorf("%q, %+v", got, q.Lost())
		}
	})
}

// F9: a stream that another process made non-blocking refuses what would block; nothing is lost by that.
func TestQueue_AStreamThatWouldBlockIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out stream
		out.set(func(p []byte) (int, error) { return min(len(p), 2), syscall.EAGAIN })
		q := logline.NewQueue(&out, nil)
		_, _ = io.WriteString(q, "a line in parts\nand one more\n")
		if !q.Close(time.Second) || out.String() != "a line in parts\nand one more\n" || q.Lost() != (logline.Lost{}) {
			t.Errorf("%q, %+v", out.String(), q.Lost())
		}
	})
}

// F9: what waits is written at the end, within a bound.
func TestQueue_FlushAndCloseAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, write := io.Pipe()
		q := logline.NewQueue(write, nil)
		began := time.Now()
		if !q.Flush(time.Second) || time.Since(began) != 0 {
			t.Error("an empty queue was waited for")
		}
		_, _ = io.WriteString(q, "last\n")
		if q.Flush(time.Second) || time.Since(began) != time.Second {
			t.Errorf("a reader that does not read was waited for for %s", time.Since(began))
		}
		if q.Close(time.Second) || time.Since(began) != 2*time.Second {
			t.Errorf("a reader that does not read was waited for for %s", time.Since(began))
		}
		_, _ = io.WriteString(q, "late\n")
		line, _ := bufio.NewReader(read).ReadString('\n')
		if synctest.Wait(); line != "last\n" || q.Lost().Full != 1 {
			t.Errorf("%q, %+v", line, q.Lost())
		}
	})
}

// F9: the line about lost ones is one of the log's own format, at every level.
func TestOpen_SaysHowManyLinesWereLostInTheFormatOfTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for format, want := range map[string]string{"json": `"lines":1}`, "text": "lines=1\n"} {
			var out stream
			log, q, err := logline.Open(&out, format, "error")
			if err != nil {
				t.Fatal(err)
			}
			out.set(broken)
			log.Error("nobody reads this")
			synctest.Wait()
			out.set(nil)
			log.Error("somebody reads this")
			if !q.Close(time.Second) || strings.Count(out.String(), "\n") != 2 ||
				!strings.Contains(out.String(), want) {
				t.Errorf("%s: %s", format, out.String())
			}
		}
	})
}

// F9: what the log costs its writers is a copy: nothing is allocated for a line.
func TestQueue_ALineCostsNoAllocation(t *testing.T) {
	q := logline.NewQueue(io.Discard, nil)
	defer q.Close(time.Second)
	line := []byte("a line\n")
	for range 3 { // both buffers grow
		for range 1000 {
			_, _ = q.Write(line)
		}
		q.Flush(time.Minute)
	}
	if got := testing.AllocsPerRun(500, func() { _, _ = q.Write(line) }); got > 0 {
		t.Errorf("%v allocations for a line", got)
	}
}
