package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/parley-realtime/parley/"

// modules are the folders of the modules: the server, and what measures it, whose libraries the server does not need.
var modules = []string{".", "bench"}

// place is a line of one of the tables: what it is about, and which rooms that concerns.
type place struct {
	what  string
	rooms []string
}

// of finds the line for a package or library, nil if there is none.
func of(table []place, name string) *place {
	i := slices.IndexFunc(table, func(p place) bool { return strings.HasPrefix(name, p.what) })
	if i < 0 {
		return nil
	}
	return &table[i]
}

// rooms says which rooms of the house each room may know, itself included (DESIGN, Layout).
var rooms = []place{
	{"protocol/", []string{"protocol/"}},
	{"actors/", []string{"actors/", "protocol/"}},
	{"transport/fairqueue/", nil},
	{"transport/websocket/", []string{"transport/websocket/", "transport/fairqueue/", "actors/", "protocol/"}},
	{"transport/auth/", []string{"transport/auth/", "transport/fairqueue/", "actors/", "protocol/"}},
	{"transport/appapi/", []string{"actors/", "protocol/"}},
	{"transport/sse/", []string{"transport/sse/", "transport/websocket/", "actors/", "protocol/"}},
	{"transport/webhook/", []string{"transport/webhook/", "actors/", "protocol/"}},
	{"transport/cluster/", []string{"transport/cluster/", "actors/cluster/", "actors/mailbox/"}},
	{"transport/tap/", []string{"transport/tap/", "actors/", "protocol/"}},
	{"transport/api/fastpath/", []string{"transport/api/fastpath/"}},
	{"transport/api/centrifugo/", []string{"actors/", "protocol/"}},
	{"transport/api/", []string{"transport/api/", "transport/tap/", "actors/", "protocol/"}},
	{"transport/console/series/", nil},
	{"transport/console/", []string{"transport/console/", "transport/api/", "actors/", "protocol/"}},
	{"cmd/", []string{"cmd/", "transport/", "actors/", "protocol/"}},
	{"bench/", []string{"bench/", "cmd/", "transport/", "actors/", "protocol/"}},
}

// homes says where a library may be used; each library is somebody's, so that it can be replaced in one place. bench
// may use what it likes: it is a module of its own, and no one runs it but us.
var homes = []place{
	{"github.com/go-json-experiment/json", []string{"protocol/", "transport/"}},
	{"github.com/asynkron/protoactor-go", []string{"actors/mailbox/"}},
	{"google.golang.org/grpc", []string{"actors/mailbox/", "transport/cluster/"}},
	{"github.com/lxzan/gws", []string{"transport/websocket/"}},
	{"github.com/golang-jwt/jwt", []string{"transport/auth/"}},
	{"github.com/cenkalti/backoff", []string{"transport/auth/introspection", "transport/webhook", "cmd/parley/client"}},
	{"github.com/sony/gobreaker", []string{"transport/auth/introspection"}},
	{"github.com/prometheus/", []string{"transport/api/"}},
	{"github.com/hashicorp/golang-lru", []string{"actors/", "transport/"}},
	{"github.com/klauspost/compress", []string{"transport/websocket/"}},
	{"golang.org/x/sys", []string{"transport/websocket/", "cmd/parley/systemd/", "actors/durable"}},
	{"golang.org/x/net/idna", []string{"transport/websocket/"}},
	{"golang.org/x/time", []string{"actors/limit/", "transport/"}},
	{"golang.org/x/crypto", []string{"cmd/"}},
	{"github.com/caarlos0/env", []string{"cmd/"}},
	{"github.com/goccy/go-yaml", []string{"cmd/"}},
	{"github.com/agnivade/levenshtein", []string{"cmd/"}},
	{"github.com/alecthomas/kong", []string{"cmd/"}},
	{"github.com/mattn/go-isatty", []string{"cmd/"}},
	{"github.com/HdrHistogram/hdrhistogram-go", []string{"cmd/parley/load/"}},
	{"charm.land/bubbletea", []string{"cmd/parley/top/", "cmd/parley/"}},
	{"github.com/shirou/gopsutil", []string{"cmd/"}},
	{"github.com/KimMachineGun/automemlimit", []string{"cmd/parley/memory"}},
	{"github.com/coder/websocket", []string{"cmd/"}},
	{"github.com/cockroachdb/pebble", []string{"actors/durable"}},
	{"github.com/hashicorp/raft", []string{"actors/durable"}},
	{"github.com/hashicorp/go-hclog", []string{"actors/durable"}},
}

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath, Doc                    string // Doc is the first sentence of the package comment
	Imports, TestImports, XTestImports []string
}

// name is the package's place in the house, with a slash at its end.
func (p *pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) + "/" }

// packages are those of both modules.
func packages(t *testing.T) (all []pkg) {
	t.Helper()
	for _, dir := range modules {
		found := packagesOf(t, dir)
		if len(found) < 8 {
			t.Fatalf("go list found %d packages in %s", len(found), dir)
		}
		all = append(all, found...)
	}
	return all
}

// packagesOf are those of the module in a folder.
func packagesOf(t *testing.T, dir string) (all []pkg) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list",
		"-json=ImportPath,Doc,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = filepath.Join(house, dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func begins(name string, with []string) bool {
	return slices.ContainsFunc(with, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func TestArchitecture_EachRoomKnowsOnlyThoseBelowIt(t *testing.T) {
	for _, p := range packages(t) {
		room := of(rooms, p.name())
		if room == nil {
			t.Errorf("%s is in no room of the table", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if other, ours := strings.CutPrefix(imported, module); ours && !begins(other+"/", room.rooms) {
				t.Errorf("%s imports %s; it may know %v", p.ImportPath, imported, room.rooms)
			}
		}
	}
}

func TestArchitecture_EachLibraryIsUsedOnlyInItsHome(t *testing.T) {
	for _, p := range packages(t) {
		if strings.HasPrefix(p.name(), "bench/") {
			continue
		}
		for _, imported := range p.Imports {
			first, _, _ := strings.Cut(imported, "/")
			if strings.HasPrefix(imported, module) || !strings.Contains(first, ".") {
				continue // ours, or the standard library
			}
			if home := of(homes, imported); home == nil {
				t.Errorf("%s imports %s, which has no home in the table", p.ImportPath, imported)
			} else if !begins(p.name(), home.rooms) {
				t.Errorf("%s imports %s, whose home is %v", p.ImportPath, imported, home.rooms)
			}
		}
	}
}

// player is the part of protocol that plays transcripts for tests.
const player = "protocol/dialecttest/"

// The protocol is values and pure functions; the engine has no files; the environment is read in cmd alone.
func TestArchitecture_ProtocolAndActorsTouchNoOutside(t *testing.T) {
	forbidden := map[string][]string{
		"protocol/": {"os", "net/http", "log/slog", "log", "syscall", "os/exec"},
		"actors/":   {"os", "net", "net/http", "encoding/json", "syscall", "os/exec", "flag"},
	}
	for _, p := range packages(t) {
		if strings.HasPrefix(p.name(), player) {
			continue
		}
		for room, never := range forbidden {
			for _, imported := range p.Imports {
				if strings.HasPrefix(p.name(), room) && slices.Contains(never, imported) {
					t.Errorf("%s imports %s", p.ImportPath, imported)
				}
			}
		}
	}
}
