package logline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/logline"
)

// written is a line of the log.
type written struct {
	Level, Msg, Tenant, Message string
	Lines                       int
}

// sink takes lines, also those that a timer writes.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// read takes the lines so far.
func read(t *testing.T, out *sink) (all []written) {
	t.Helper()
	out.mu.Lock()
	defer out.mu.Unlock()
	for text := range strings.Lines(out.text.String()) {
		var one written
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		all = append(all, one)
	}
	out.text.Reset()
	return all
}

// F21: a client that reported errors in a loop wrote a line each time: 3,726 of them in 5 s. Repeated lines
// are summed up, for each tenant and each message by itself, and rare ones are not touched.
func TestSumUp_RepeatedLinesAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		log, err := logline.New(&out, "json", "info")
		if err != nil {
			t.Fatal(err)
		}
		log = logline.SumUp(log)
		for range 4000 {
			log.Info("a client reports", "tenant", "acme", "connection", "ws-1")
			log.With("tenant", "other").Warn("a client reports")
		}
		log.Info("a client reports", "tenant", "third")
		log.Error("something else", "tenant", "acme")
		lines := read(t, &out)
		said := map[string]int{}
		for _, l := range lines {
			said[l.Tenant+" "+l.Msg]++
		}
		if len(lines) > 50 || said["acme a client reports"] == 0 || said["other a client reports"] == 0 ||
			said["third a client reports"] != 1 || said["acme something else"] != 1 {
			t.Errorf("%d lines: %v", len(lines), said)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		sums := map[string]written{}
		for _, l := range read(t, &out) {
			sums[l.Tenant] = l
		}
		if a, o := sums["acme"], sums["other"]; len(sums) != 2 || a.Lines+said["acme a client reports"] != 4000 ||
			a.Level != "INFO" || a.Message != "a client reports" ||
			o.Lines+said["other a client reports"] != 4000 || o.Level != "WARN" {
			t.Errorf("summed up as %+v, after %v", sums, said)
		}
		log.Info("a client reports", "tenant", "acme")
		if lines := read(t, &out); len(lines) != 1 || lines[0].Msg != "a client reports" {
			t.Errorf("in the next minute: %+v", lines)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if lines := read(t, &out); len(lines) != 0 {
			t.Errorf("summed up what was not left out: %+v", lines)
		}
	})
}

// F21: who wants all lines has them at debug level.
func TestSumUp_WhatIsLeftOutIsThereAtDebugLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		log, err := logline.New(&out, "json", "debug")
		if err != nil {
			t.Fatal(err)
		}
		log = logline.SumUp(log)
		levels := map[string]int{}
		for range 1000 {
			log.WithGroup("g").Info("again", "tenant", "acme")
			log.Debug("a debug line", "tenant", "acme")
		}
		for _, l := range read(t, &out) {
			levels[l.Level+" "+l.Msg]++
		}
		if levels["INFO again"]+levels["DEBUG again"] != 1000 || levels["INFO again"] > 100 ||
			levels["DEBUG a debug line"] != 1000 {
			t.Errorf("got %v", levels)
		}
		time.Sleep(2 * time.Minute)
	})
}

// F21: however many messages and tenants are named, what is remembered of them has a bound, and so has what is written.
func TestSumUp_SumsHaveABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		log, err := logline.New(&out, "json", "info")
		if err != nil {
			t.Fatal(err)
		}
		log = logline.SumUp(log)
		for i := range 20_000 {
			log.LogAttrs(context.Background(), slog.LevelInfo, "again", slog.String("tenant", fmt.Sprint("t", i)))
		}
		if n := len(read(t, &out)); n > 4096+100 {
			t.Errorf("%d lines", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		lines := read(t, &out)
		if len(lines) != 1 || lines[0].Lines < 15_000 {
			t.Errorf("summed up as %+v", lines)
		}
	})
}
