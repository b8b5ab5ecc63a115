package server

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest/tally"
)

// segments are what stands for the variable segments of paths.
var segments = strings.NewReplacer("{uuid}", config.DevOutpost, "{user_id}", "7")

// Each dialect of the list answers on each of its paths, through the whole server: none is forgotten on the way.
func TestProtocols_EachAnswersOnItsPaths(t *testing.T) {
	all := append(slices.Clone(everyProtocol), tally.Registration)
	loaded := config.Load(config.Sources{Protocols: all, Dev: true, Environ: []string{
		"PARLEY_LISTEN=127.0.0.1:0", "PARLEY_FEED=false", "PARLEY_NOTIFY_OPEN_USER_PATH=true"}})
	if len(loaded.Problems) > 0 {
		t.Fatal(loaded.Problems)
	}
	s := run(t, loaded.Config)
	user := tokenOf(t, s, config.DevTenant, "alice")
	for i := range loaded.Config.Protocols {
		p := &loaded.Config.Protocols[i]
		for j, made := range p.Settings.Dialects() {
			d := &p.Dialects[j]
			if len(made.Paths()) == 0 {
				t.Errorf("%s has no path", d.Name)
			}
			for _, path := range made.Paths() {
				header, query := handshake(t, d, user)
				if strings.HasSuffix(path, "/{user_id}") {
					query = "" // it is for clients that show nothing
				}
				if _, status := dial(t, "ws://"+s.Address()+segments.Replace(path)+query, "",
					header); status != http.StatusSwitchingProtocols {
					t.Errorf("%s on %s: %d", d.Name, path, status)
				}
			}
		}
	}
}

// handshake is what a client of a dialect shows when it connects: header and query.
func handshake(t *testing.T, d *protocol.Description, user string) (http.Header, string) {
	t.Helper()
	if d.Client == nil {
		return nil, ""
	}
	token, topics := user, []string(nil)
	if d.Client.Credential == protocol.Outpost {
		token, topics = config.DevOutpostToken, []string{config.DevOutpost}
	}
	opening, err := d.Client.Open(token, topics)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	for name, value := range opening.Header {
		header.Set(name, value)
	}
	return header, "?" + opening.Query.Encode()
}

// What the list says of a protocol goes together, and no two share a name.
func TestProtocols_DescribeThemselvesTruly(t *testing.T) {
	seen := map[string]bool{}
	unique := func(what, name string) {
		t.Helper()
		if seen[what+name] {
			t.Errorf("two have the %s %q", what, name)
		}
		seen[what+name] = true
	}
	for _, p := range everyProtocol {
		unique("name", p.Name)
		made := p.Defaults().Dialects()
		if len(made) != len(p.Dialects) {
			t.Fatalf("%s makes %d dialects and describes %d", p.Name, len(made), len(p.Dialects))
		}
		for i := range made {
			d := &p.Dialects[i]
			unique("dialect", d.Name)
			if made[i].Name() != d.Name {
				t.Errorf("%s describes its dialect %s as %s", p.Name, made[i].Name(), d.Name)
			}
			if d.Client != nil && (d.Doc.Address == "" || d.Doc.Credential == "" || d.Transcripts == "" ||
				d.Client.Open == nil || d.Client.Subscribe == nil) {
				t.Errorf("%s does not say all that is asked: %+v", d.Name, d)
			}
			if len(d.Greeting.Label) > 11 {
				t.Errorf("the label of %s is too long", d.Name)
			}
		}
		if p.Section != "" {
			unique("section", p.Section)
			unique("prefix", p.Env)
			if err := p.Defaults().Check(); err != nil || !regexp.MustCompile("^[A-Z0-9_]+_$").MatchString(p.Env) {
				t.Errorf("%s: %s %v", p.Name, p.Env, err)
			}
		}
	}
}
