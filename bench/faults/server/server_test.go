package server

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
)

// pretend writes a shell script that takes the server's place.
func pretend(t *testing.T, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// ready is an address where /readyz answers 200 and everything else what answer says.
func ready(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	made := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			answer(w, r)
		}
	}))
	t.Cleanup(made.Close)
	return made.Listener.Addr().String()
}

func TestStart_ServesUntilItIsKilledAndComesBackWhereItWas(t *testing.T) {
	address := ready(t, http.NotFound)
	script := `case "$*" in *"$WHERE"*) again=again;; esac; echo "msg=serving address=$WHERE $again"; ` +
		`echo level=WARN; exec sleep 60`
	s := New(pretend(t, script), Conditions{Env: []string{"WHERE=" + address}, Files: 64})
	t.Cleanup(s.Stop)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Address != address || s.Took <= 0 || !s.Alive() || strings.Contains(s.Said(), "again") {
		t.Errorf("it serves on %s after %s and said %s", s.Address, s.Took, s.Said())
	}
	s.Kill()
	if status, err := s.Exit(time.Second); s.Alive() || status != -1 || err != nil {
		t.Errorf("killed, it has status %d, %v", status, err)
	}
	if err := s.Start(t.Context()); err != nil || !strings.Contains(s.Said(), "again") {
		t.Errorf("started again, it said %s, %v", s.Said(), err)
	}
}

func TestStart_WhatEndsAtOnceIsAnErrorThatTellsWhatItSaid(t *testing.T) {
	s := New(pretend(t, "echo no such flag; exit 2"), Conditions{})
	if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "no such flag") {
		t.Errorf("got %v", err)
	}
}

func TestCalls_ReadTheServersAnswers(t *testing.T) {
	s := New("", Conditions{})
	s.Address = ready(t, func(w http.ResponseWriter, r *http.Request) {
		text := map[string]string{
			"/api/v1/publish": `{"topic":"telemetry/d","epoch":"E","offset":3,"id":"x"}`,
			"/api/v1/topics/telemetry%2Fd/history?limit=1000": `{"epoch":"E","offset":3,` +
				`"events":[{"offset":2,"data":{"t":9,"s":7}},{"offset":3,"data":{"t":9,"s":8}}]}`,
			"/api/v1/topics/telemetry%2Fd/history?epoch=E&offset=3&limit=1000": `{"epoch":"E","offset":3,"events":[]}`,
			"/api/v1/connections?user=u": `{"connections":[{"queued_bytes":5},` +
				`{"queued_bytes":6}]}`,
		}[r.URL.RequestURI()]
		if text == "" {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusConflict)
			text = "position_lost"
		}
		_, _ = w.Write([]byte(text))
	})
	if ack, err := s.Publish("d", 7, 0); err != nil || ack != (checker.Ack{Number: 7, Epoch: "E", Offset: 3}) {
		t.Errorf("publish: %+v %v", ack, err)
	}
	if r, err := s.Record("d"); err != nil || r.Epoch != "E" || len(r.Events) != 2 ||
		r.Events[1] != (checker.Ack{Number: 8, Epoch: "E", Offset: 3}) {
		t.Errorf("record: %+v %v", r, err)
	}
	if queued, there, err := s.Queued("u"); queued != 11 || !there || err != nil {
		t.Errorf("queued: %d %v %v", queued, there, err)
	}
	_, err := s.After("d", "old", 1)
	if Status(err) != http.StatusConflict || !strings.Contains(err.Error(), "position_lost") {
		t.Errorf("a lost position gives %v", err)
	}
}

func TestSum_AddsUpWhateverTheLabels(t *testing.T) {
	text := []byte("# HELP a b\na{x=\"1\"} 2\na{x=\"2\"} 3e0\nab 50\na_total 7\n")
	if got := sum(text, "a"); got != 5 {
		t.Errorf("got %d", got)
	}
}
