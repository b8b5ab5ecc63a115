package webhook

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDispatcher_BringsEventsInOrderInBatches(t *testing.T) {
	withDispatcher(t, Config{Batch: 3}, func(t *testing.T, b *backend, c *Dispatcher, _ *bytes.Buffer) {
		tell(c, "E", 1, 1)
		synctest.Wait()
		b.answers = []func() (*http.Response, error){func() (*http.Response, error) {
			time.Sleep(time.Second)
			return status(200)()
		}}
		tell(c, "E", 2, 2)
		synctest.Wait()
		tell(c, "E", 3, 9) // while that one is under way
		time.Sleep(2 * time.Second)
		b.wantNumbers("[1] [2] [3 4 5] [6 7 8] [9]")
		for _, call := range b.got() {
			if call.lost != 0 {
				t.Errorf("%d are said to be lost", call.lost)
			}
		}
		if f := c.Stats(); f != (Stats{Delivered: 9, Batches: 5}) {
			t.Errorf("%+v", f)
		}
	})
}

func TestDispatcher_TriesTheSameBatchUntilItIsTaken(t *testing.T) {
	withDispatcher(t, Config{Timeout: time.Second}, func(t *testing.T, b *backend, c *Dispatcher, log *bytes.Buffer) {
		b.answers = []func() (*http.Response, error){status(500), broken, status(404),
			status(302, "Location", "https://elsewhere.example/"), mute, status(410)}
		for range 14 {
			b.answers = append(b.answers, status(503))
		}
		tell(c, "E", 1, 2)
		synctest.Wait()
		tell(c, "E", 3, 3)
		time.Sleep(time.Hour)
		calls := b.got()
		if len(calls) != 22 {
			t.Fatalf("%d calls", len(calls))
		}
		for i, call := range calls[:21] {
			if call.id != calls[0].id || call.body != calls[0].body || call.url != calls[0].url {
				t.Errorf("try %d differs: %+v", i+1, call)
			}
			if i == 0 || i == 5 { // the mute answer took its time
				continue
			}
			wait, usual := call.at.Sub(calls[i-1].at), min(firstWait<<(i-1), longestWait)
			if wait < usual/2 || wait > usual*3/2+time.Millisecond {
				t.Errorf("the wait before try %d was %s, usual is %s", i+1, wait, usual)
			}
		}
		if calls[21].id != "E-3" && calls[21].id != "E-2" {
			t.Errorf("then came %+v", calls[21])
		}
		f := c.Stats()
		if !strings.Contains(f.LastError, "503") || f.LastFailure.IsZero() {
			t.Errorf("the last error is %q at %s", f.LastError, f.LastFailure)
		}
		f.LastError, f.LastFailure = "", time.Time{}
		if f != (Stats{Delivered: 3, Batches: 2, Failures: 20}) {
			t.Errorf("%+v", f)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), "does not take") ||
			!strings.Contains(log.String(), "again") {
			t.Errorf("the log: %s", log)
		}
	})
}

func TestDispatcher_WaitsAsLongAsTheBackendAsks(t *testing.T) {
	for _, c := range []struct {
		header string
		wait   time.Duration
	}{{"7", 7 * time.Second}, {"Sat, 01 Jan 2000 00:00:40 GMT", 40 * time.Second}, {"86400", maxRetryAfter},
		{"99999999999999999999", 0}, {"soon", 0}, {"-3", 0}} {
		withDispatcher(t, Config{}, func(t *testing.T, b *backend, d *Dispatcher, _ *bytes.Buffer) {
			b.answers = []func() (*http.Response, error){status(429, "Retry-After", c.header)}
			tell(d, "E", 1, 1)
			synctest.Wait()
			d.expedite() // a backend that asks for time gets it
			time.Sleep(10 * time.Minute)
			calls := b.got()
			if len(calls) != 2 {
				t.Fatalf("%s: %d calls", c.header, len(calls))
			}
			if got := calls[1].at.Sub(calls[0].at); c.wait > 0 && got != c.wait || c.wait == 0 && got > time.Second {
				t.Errorf("Retry-After: %s was answered after %s", c.header, got)
			}
		})
	}
}

func TestDispatcher_WhatThereIsNoRoomForIsLostFromTheOldEndAndSaid(t *testing.T) {
	withDispatcher(t, Config{QueueEvents: 5, Batch: 3},
		func(t *testing.T, b *backend, c *Dispatcher, log *bytes.Buffer) {
			b.answers = []func() (*http.Response, error){mute}
			tell(c, "E", 1, 1)
			synctest.Wait()
			for n := uint64(2); n <= 100; n++ {
				tell(c, "E", n, n) // never waits
			}
			if f := c.Stats(); f.Waiting != 6 || f.Overflow != 94 {
				t.Errorf("%+v", f)
			}
			time.Sleep(time.Minute)
			tell(c, "E", 103, 104) // two were lost before they came here
			calls := b.got()
			var lost uint64
			var all []uint64
			for _, call := range calls[1:] {
				lost += call.lost
				all = append(all, call.numbers...)
			}
			if fmt.Sprint(all) != "[1 96 97 98 99 100 103 104]" || lost != 96 || calls[2].lost != 94 {
				t.Errorf("numbers %v, lost %d, of which %d were said with the first batch", all, lost, calls[2].lost)
			}
			if lines := strings.Count(log.String(), "queue is full"); lines != 1 {
				t.Errorf("%d lines: %s", lines, log)
			}
		})
}

func TestDispatcher_ANewEpochBeginsANewBatchAndCountsFromOne(t *testing.T) {
	withDispatcher(t, Config{}, func(t *testing.T, b *backend, c *Dispatcher, _ *bytes.Buffer) {
		b.answers = []func() (*http.Response, error){broken}
		tell(c, "E", 1, 1)
		synctest.Wait()
		tell(c, "E", 2, 3)
		tell(c, "F", 1, 2)
		tell(c, "G", 4, 4)
		time.Sleep(time.Minute)
		b.wantNumbers("[1] [1] [2 3] [1 2] [4]")
		if calls := b.got(); calls[3].id != "F-1" || calls[3].lost != 0 || calls[4].lost != 3 {
			t.Errorf("%+v", calls)
		}
	})
}

func TestDispatcher_FlushDoesNotSitOutAWait(t *testing.T) {
	withDispatcher(t, Config{}, func(t *testing.T, b *backend, c *Dispatcher, _ *bytes.Buffer) {
		for range 12 {
			b.answers = append(b.answers, broken)
		}
		tell(c, "E", 1, 1)
		b.await(12) // by now it waits for half a minute
		began := time.Now()
		if err := c.Flush(context.Background()); err != nil || time.Since(began) > time.Second {
			t.Errorf("flushed in %s, %v", time.Since(began), err)
		}
		if f := c.Stats(); f.Delivered != 1 {
			t.Errorf("%+v", f)
		}
	})
}

func TestDispatcher_CloseEndsInTimeAndCountsWhatIsLeft(t *testing.T) {
	withDispatcher(t, Config{Timeout: time.Minute}, func(t *testing.T, b *backend, c *Dispatcher, log *bytes.Buffer) {
		b.answers = []func() (*http.Response, error){mute}
		tell(c, "E", 1, 2)
		synctest.Wait()
		tell(c, "E", 3, 4)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if c.Close(ctx); time.Since(began) != 3*time.Second {
			t.Errorf("it took %s", time.Since(began))
		}
		tell(c, "E", 5, 5) // after Close
		if f := c.Stats(); f.Unsent != 5 || f.Waiting != 0 || f.Failures != 0 {
			t.Errorf("%+v", f)
		}
		if !strings.Contains(log.String(), "before the end") || !strings.Contains(log.String(), "events=4") {
			t.Errorf("the log: %s", log)
		}
	})
}

func TestDispatcher_ReloadTakesAnotherURLAndKeepsWhatWaits(t *testing.T) {
	withDispatcher(t, Config{}, func(t *testing.T, b *backend, c *Dispatcher, _ *bytes.Buffer) {
		for range 12 {
			b.answers = append(b.answers, broken)
		}
		tell(c, "E", 1, 2)
		b.await(12)
		if err := c.Reload(Config{URL: "ftp://x", Secret: secret}); err == nil {
			t.Error("took a wrong configuration")
		}
		if err := c.Reload(Config{URL: "https://new.example/", Secret: secret}); err != nil {
			t.Fatal(err)
		}
		calls := b.got()
		if last := calls[len(calls)-1]; len(calls) != 13 || last.url != "https://new.example/" ||
			last.body != calls[0].body {
			t.Errorf("%d calls, the last %+v", len(calls), last)
		}
	})
}
