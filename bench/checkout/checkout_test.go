package checkout

import (
	"os"
	"path/filepath"
	"testing"
)

func TestEnter_GoesToTheRootFromWhereverItStarts(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "bench", "results"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "bench", "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, start := range []string{".", "bench", "bench/results"} {
		if at := enter(t, filepath.Join(root, start)); at != root {
			t.Errorf("from %s it went to %s, want %s", start, at, root)
		}
	}
}

func TestEnter_StaysWhereThereIsNoCheckout(t *testing.T) {
	start, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if at := enter(t, start); at != start {
		t.Errorf("it went to %s", at)
	}
}

// enter is the folder in which a command that was started in a folder runs.
func enter(t *testing.T, start string) string {
	t.Helper()
	t.Chdir(start)
	if err := Enter(); err != nil {
		t.Fatal(err)
	}
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return at
}
