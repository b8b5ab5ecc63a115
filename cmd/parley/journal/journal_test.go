package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func (f *File) all(t testing.TB) (records []string) {
	t.Helper()
	if err := f.Replay(func(record []byte) { records = append(records, string(record)) }); err != nil {
		t.Fatal(err)
	}
	return records
}

func (f *File) append(t testing.TB, records ...string) {
	t.Helper()
	for _, record := range records {
		if err := f.Append([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
}

func these(records ...string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, record := range records {
			if !yield([]byte(record)) {
				return
			}
		}
	}
}

func wants(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// F16: what was answered is there again, also behind a file that nobody closed.
func TestFile_WhatWasAnsweredIsThereAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "journal")
	f := open(t, path)
	wants(t, f.all(t))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty journal needs no room: %v", err)
	}
	f.append(t, "one", "", `{"n":2}`)
	wants(t, f.all(t), "one", "", `{"n":2}`)
	f.append(t, "three")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = open(t, path)
	wants(t, f.all(t), "one", "", `{"n":2}`, "three")
	if err := f.Rewrite(these("four", "five")); err != nil {
		t.Fatal(err)
	}
	f.append(t, "six")
	wants(t, f.all(t), "four", "five", "six")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// F16: kill -9 at any byte of a write. All before it is there, nothing of it, and what comes next is well.
func TestFile_IsWholeWhereverAWriteStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	f.append(t, "one", "two")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f.append(t, "three")
	longer, _ := os.ReadFile(path)
	_ = f.Close()
	for stop := len(whole); stop < len(longer); stop++ {
		// the second is what a loss of power may leave
		for _, garbage := range []string{"", strings.Repeat("\x00", 4096)} {
			if err := os.WriteFile(path, append(longer[:stop:stop], garbage...), 0o600); err != nil {
				t.Fatal(err)
			}
			f := open(t, path)
			wants(t, f.all(t), "one", "two")
			f.append(t, "four")
			wants(t, f.all(t), "one", "two", "four")
			_ = f.Close()
			f = open(t, path)
			wants(t, f.all(t), "one", "two", "four")
			if f.Broken() != 0 {
				t.Errorf("stopped at %d: %d broken", stop, f.Broken())
			}
			_ = f.Close()
		}
	}
}

// F16: a new file that was not finished is nothing: the old one holds.
func TestFile_AnUnfinishedRewriteChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	f.append(t, "one")
	if err := os.WriteFile(path+".new", []byte(header+"half of"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Rewrite(these("two", "line\nbreak")); err == nil {
		t.Error("took a record of two lines")
	}
	_ = f.Close()
	f = open(t, path)
	wants(t, f.all(t), "one")
	if err := f.Rewrite(these("three")); err != nil {
		t.Fatal(err)
	}
	wants(t, f.all(t), "three")
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the new file is still there: %v", err)
	}
}

// A bit that flips costs its line, and is counted.
func TestFile_DamageCostsItsLineAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	f.append(t, "the first", "the second", "the third")
	_ = f.Close()
	good, _ := os.ReadFile(path)
	first := bytes.Index(good, []byte("the second")) - sumDigits - 1
	for at := first; at < first+len("the second")+sumDigits+1; at++ {
		bad := slices.Clone(good)
		bad[at] ^= 1 << 6 // never makes a line break of these
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		f := open(t, path)
		wants(t, f.all(t), "the first", "the third")
		if f.Broken() != 1 {
			t.Errorf("byte %d: %d broken lines", at, f.Broken())
		}
		_ = f.Close()
	}
}

func TestOpen_TouchesNoFileThatIsNoJournal(t *testing.T) {
	for _, text := range []string{"", "x", "parley journal 1", "parley journal 2\n", strings.Repeat("x", 3*maxLine),
		"\n" + header} {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, errNotOne) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.20q: %v", text, err)
		}
		if after, _ := os.ReadFile(path); string(after) != text {
			t.Errorf("%.20q became %.20q", text, after)
		}
	}
}

func TestOpen_OneProcessAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v", err)
	}
	_ = f.Close()
	open(t, path)
}

func TestAppend_RefusesWhatIsNoLine(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "journal"))
	f.append(t, strings.Repeat("x", maxLine-sumDigits-2))
	for _, record := range []string{"a\nb", strings.Repeat("x", maxLine-sumDigits-1)} {
		if err := f.Append([]byte(record)); !errors.Is(err, errTooLong) {
			t.Errorf("%.10q: %v", record, err)
		}
	}
	if n := len(f.all(t)); n != 1 {
		t.Errorf("%d records", n)
	}
}

// Whatever a file holds, what is appended to it afterwards is read again, and what was read before still is.
func FuzzFile(f *testing.F) {
	f.Add([]byte(""), []byte("record"))
	f.Add([]byte("00000000 \n12345678 x\n\x00\x00"), []byte("record"))
	line, _ := seal(nil, []byte("good"))
	f.Add(append(line, line[:3]...), []byte(""))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content, record []byte) {
		path := filepath.Join(dir, fmt.Sprint(rand.Uint64()), "journal")
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700),
			os.WriteFile(path, append([]byte(header), content...), 0o600)); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(filepath.Dir(path))
		journal, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer journal.Close()
		before := journal.all(t)
		if err := journal.Append(record); errors.Is(err, errTooLong) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		wants(t, journal.all(t), append(before, string(record))...)
	})
}

// F16: a write that fails is said, and leaves what was there; a new file makes it good.
func TestFile_AFailedWriteSpoilsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	f.append(t, "one")
	_ = f.file.Close()
	var err error
	if f.file, err = os.Open(path); err != nil { // a disk that takes nothing
		t.Fatal(err)
	}
	if err := f.Append([]byte("two")); err == nil {
		t.Error("a write that cannot be is no error")
	}
	wants(t, f.all(t), "one")
	if err := f.Rewrite(these("one", "two")); err != nil {
		t.Fatal(err)
	}
	f.append(t, "three")
	wants(t, f.all(t), "one", "two", "three")
}
