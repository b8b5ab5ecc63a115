package figure

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSheet_SaysAndWritesWhetherGoalsAreMet(t *testing.T) {
	var out bytes.Buffer
	s := New("test", &out)
	s.Add("free", 0.123456, "s")
	s.Hold("within", 8192, "B", 8192)
	s.Hold("beyond", 1.5, "s", 1)
	file := filepath.Join(t.TempDir(), "sheet.json")
	if err := s.Write(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var read Sheet
	if err := json.Unmarshal(text, &read); err != nil || read.Name != "test" || len(read.Figures) != 3 {
		t.Fatalf("got %s (%v)", text, err)
	}
	if f := read.Figures; f[0].Goal != nil || f[0].Met != nil || !*f[1].Met || *f[2].Met || *f[2].Goal != 1 {
		t.Errorf("got %s", text)
	}
	lines := strings.Split(out.String(), "\n")
	if !strings.Contains(lines[0], "0.123 s") || !strings.HasSuffix(lines[1], "8192; met)") ||
		!strings.HasSuffix(lines[2], "1; MISSED)") {
		t.Errorf("got %s", out.String())
	}
}

func TestSheet_WithoutAFileNothingIsWritten(t *testing.T) {
	if err := New("test", &bytes.Buffer{}).Write(""); err != nil {
		t.Error(err)
	}
}
