package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/cmd/parley/server"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest/tally"
)

// withTally is the list of protocols with one more line. Its transcripts are played with all others, in package server.
var withTally = append(slices.Clone(protocols.All), tally.Registration)

// loadWithTally loads a file for dev mode.
func loadWithTally(t *testing.T, yaml string, environ ...string) *config.Result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	rewrite(t, file, yaml)
	environ = append(environ, "PARLEY_LISTEN=127.0.0.1:0", "PARLEY_FEED=false")
	return config.Load(config.Sources{Protocols: withTally, File: file, Dev: true, Environ: environ})
}

// A protocol is a folder and a line: its settings are known by file and environment, with their checks and their table.
func TestProtocol_AFolderAndALineAreConfigured(t *testing.T) {
	welcome := func(l *config.Result) string {
		t.Helper()
		if len(l.Problems) > 0 || len(l.Unknown) > 0 {
			t.Fatal(l.Problems, l.Unknown)
		}
		return l.Config.Protocols[len(l.Config.Protocols)-1].Settings.(*tally.Config).Welcome
	}
	if got := welcome(loadWithTally(t, "")); got != "hello" {
		t.Errorf("by default it is %q", got)
	}
	if got := welcome(loadWithTally(t, "tally: {welcome: from the file}\n")); got != "from the file" {
		t.Errorf("by the file it is %q", got)
	}
	if got := welcome(loadWithTally(t, "tally: {welcome: x}\n",
		"PARLEY_TALLY_WELCOME=from the environment")); got != "from the environment" {
		t.Errorf("by the environment it is %q", got)
	}
	l := loadWithTally(t, "drain: 1s\ntally:\n  topics: 101\n  welcome: ''\n  enabled: perhaps\n  topic: 1\n",
		"PARLEY_TALLY_TOPIC=2")
	for i, want := range []string{
		`:3: tally.topics: is 101; it goes from 1 to 100`, `:4: tally.welcome: is empty`,
		`:5: tally.enabled: must be true or false`,
		`:6: tally.topic: unknown key; did you mean "topics"?`,
	} {
		if len(l.Problems) != 4 || !strings.HasSuffix(l.Problems[i].String(), "parley.yaml"+want) {
			t.Errorf("problem %d: got %v, want %s", i, l.Problems, want)
		}
	}
	if len(l.Unknown) != 1 || l.Unknown[0] != "PARLEY_TALLY_TOPIC (did you mean PARLEY_TALLY_TOPICS?)" {
		t.Errorf("unknown: %v", l.Unknown)
	}
	if l := loadWithTally(t, "", "PARLEY_TALLY_TOPICS=0"); len(l.Problems) != 1 ||
		l.Problems[0].String() != "PARLEY_TALLY_TOPICS: tally.topics: is 0; it goes from 1 to 100" {
		t.Errorf("by the environment: %v", l.Problems)
	}
	var table bytes.Buffer
	if err := config.Print(&table, withTally); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^tally\.topics +PARLEY_TALLY_TOPICS +10 +topics +How many topics a client may watch; `+
		`from 1 to 100\.$`).Match(table.Bytes()) ||
		!strings.Contains(table.String(), ", tally.") {
		t.Errorf("the table of settings does not have it:\n%s", table.String())
	}
}

// Nor does it need more to be served, to take new settings, to be greeted, and to be listened to.
func TestProtocol_AFolderAndALineAreServedAndHeard(t *testing.T) {
	loaded := loadWithTally(t, "tally: {welcome: first}\n")
	s, err := server.New(loaded.Config, server.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	s.Run()
	var banner bytes.Buffer
	if err := printBanner(&banner, s, loaded.Config.Protocols); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n  tally       ws://" + s.Address() + "/tally         ?token=\n",
		" listen --url http://" + s.Address() + " --dialect tally projects\n",
		"\n  tally       new WebSocket(\"ws://" + s.Address() + "/tally?token=eyJ",
	} {
		if !strings.Contains(banner.String(), want) {
			t.Errorf("the banner does not have %q:\n%s", want, banner.String())
		}
	}
	hear(t, s, `{"welcome":"first"}`)
	if err := s.Reload(loadWithTally(t, "tally: {welcome: second}\n").Config); err != nil {
		t.Fatal(err)
	}
	hear(t, s, `{"welcome":"second"}`)
	if err := s.Reload(loadWithTally(t, "tally: {enabled: false}\n").Config); err != nil {
		t.Fatal(err)
	}
	if err := client.Listen(t.Context(), listening(t, s, nil)); err == nil ||
		!strings.Contains(err.Error(), "not_found") {
		t.Errorf("switched off it ends with %v", err)
	}
}

// listening is how to listen to tally.
func listening(t *testing.T, s *server.Server, print func([]byte) error) client.ListenOptions {
	t.Helper()
	token, err := devToken("alice")
	if err != nil {
		t.Fatal(err)
	}
	return client.ListenOptions{Base: s.Address(), Token: token, Topics: []string{"projects"}, Print: print,
		Dialect: "tally", Client: client.DialectsOf(withTally)["tally"]}
}

// hear listens, and wants a welcome and then what is published.
func hear(t *testing.T, s *server.Server, welcome string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	want := []string{welcome, `{"watching":"projects"}`, `{"saw":"project_updated"}`}
	err := client.Listen(ctx, listening(t, s, func(line []byte) error {
		if got := strings.TrimSpace(string(line)); got != want[0] {
			return fmt.Errorf("heard %s, want %s", got, want[0])
		}
		if want = want[1:]; len(want) == 0 {
			stop()
			return nil
		}
		if len(want) == 1 {
			event := client.Event{Kind: string(protocol.ProjectUpdated),
				Data: []byte(`{"project_name":"a","trigger":"audit"}`)}
			api := client.API{Base: s.Address(), Key: config.DevAPIKey}
			_, err := api.Publish(ctx, client.PublishRequest{Event: event})
			return err
		}
		return nil
	}))
	if err != nil || len(want) > 0 {
		t.Errorf("%v; never heard %v", err, want)
	}
}

// The list is the only place of cmd where a protocol has its name.
func TestProtocol_NoneIsNamedOutsideTheList(t *testing.T) {
	var names []string
	for _, p := range slices.Concat(protocols.All, protocols.Debug) {
		names = append(names, p.Name, p.Section)
		for _, d := range p.Dialects {
			names = append(names, d.Name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	named := regexp.MustCompile(`(?i)\b(` + strings.Join(names, "|") + `)\b`)
	files := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "protocols" || path == "systemd" || path == "migrate"):
			// sd_notify is systemd's, and a configuration is made for the protocol of the server that it comes from.
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		for i, line := range strings.Split(text(t, "cmd/parley/"+path), "\n") {
			if name := named.FindString(strings.ReplaceAll(line, "signal.Notify(", "")); name != "" {
				t.Errorf("%s:%d names %s", path, i+1, name)
			}
		}
		return nil
	})
	if err != nil || files < 40 {
		t.Errorf("%d files were read: %v", files, err)
	}
}
