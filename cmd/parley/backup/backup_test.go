package backup

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes a directory with files.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700),
			os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// files reads all files of a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(file)
		name, _ := filepath.Rel(dir, file)
		all[filepath.ToSlash(name)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var kept = map[string]string{"topics/000004.log": strings.Repeat("log", 1000), "topics/MANIFEST-000001": "m",
	"topics/empty": "", "acme/key": "secret", "other/deep/file": "x"}

func archived(t *testing.T) []byte {
	t.Helper()
	all := map[string]string{"topics/witness": "w", "topics/ballast": "b", "topics/LOCK": "",
		"topics/checkpoint/x": "x", "internal.url": "http://x", "LOCK": ""}
	for name, content := range kept {
		all[name] = content
	}
	var b bytes.Buffer
	if err := Write(&b, tree(t, all), "", "v1"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

// F5: an archive holds all of a data directory but what would let a store take itself for the one of before.
func TestRestore_PutsBackAllButWhatBelongsToOneLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	all, err := Restore(bytes.NewReader(archived(t)), dir)
	if got := files(t, dir); err != nil || !same(got, kept) || all.Files != len(kept) {
		t.Errorf("%+v, %v: %q", all, err, got)
	}
	if err := Unfinished(dir); err != nil {
		t.Error(err)
	}
	if _, err := Restore(bytes.NewReader(archived(t)), dir); err == nil ||
		!strings.Contains(err.Error(), "is not empty") || !same(files(t, dir), kept) {
		t.Errorf("restored over what is there: %v", err)
	}
}

// Nothing is put in place of an archive that was cut short or changed, wherever that is.
func TestRestore_OfADamagedArchiveTouchesNothing(t *testing.T) {
	good := archived(t)
	content := bytes.TrimRight(good, "\x00")
	dir := filepath.Join(t.TempDir(), "data")
	refused := func(what string, at int, b []byte) {
		t.Helper()
		if _, err := Restore(bytes.NewReader(b), dir); err == nil {
			t.Fatalf("%s at %d is not noticed", what, at)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s at %d: something was done", what, at)
		}
	}
	for at := 0; at < len(content); at += 101 {
		refused("the end", at, good[:at])
	}
	in := func(name string) int { return bytes.Index(good, []byte(name)) }
	for _, name := range []string{"log", "secret", "topics/000004.log", "SHA256SUMS", `"format":1`, "  acme/key"} {
		bad := bytes.Clone(good)
		bad[in(name)+1] ^= 1
		refused("a flip in "+name, in(name), bad)
	}
	refused("nothing", 0, []byte("hello"))
}

// A restore that did not come to its end is told from one that did, and can be done again.
func TestRestore_OneThatWasNotFinishedSaysSoAndIsDoneAgain(t *testing.T) {
	good := archived(t)
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := Restore(&once{ReadSeeker: bytes.NewReader(good), second: int64(len(good)) / 2}, dir); err == nil {
		t.Fatal("it ended well though the archive could not be read")
	}
	err := Unfinished(dir)
	if err == nil || !strings.Contains(err.Error(), "was not finished; run it again") {
		t.Errorf("unfinished: %v", err)
	}
	if _, err := Restore(bytes.NewReader(good), dir); err != nil || Unfinished(dir) != nil ||
		!same(files(t, dir), kept) {
		t.Errorf("again: %v, %v, %q", err, Unfinished(dir), files(t, dir))
	}
}

// once is read well the first time, and up to second the next.
type once struct {
	io.ReadSeeker
	second, read int64
	again        bool
}

func (o *once) Seek(offset int64, whence int) (int64, error) {
	o.again, o.read = true, 0
	return o.ReadSeeker.Seek(offset, whence)
}

func (o *once) Read(p []byte) (int, error) {
	if o.again && o.read >= o.second {
		return 0, errors.New("the disk fails")
	}
	if o.again {
		p = p[:min(int64(len(p)), o.second-o.read)]
	}
	n, err := o.ReadSeeker.Read(p)
	o.read += int64(n)
	return n, err
}

// A backup that fails leaves the one of before, and nothing half.
func TestFile_IsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "backup.tar")
	good := archived(t)
	for what, write := range map[string]func(io.Writer) error{
		"no room":   func(w io.Writer) error { w.Write(good[:2000]); return errors.New("no space left on device") },
		"cut short": func(w io.Writer) error { _, err := w.Write(good[:2000]); return err },
	} {
		if _, err := File(name, write); err == nil || len(files(t, dir)) != 0 {
			t.Errorf("%s: %v, left is %v", what, err, files(t, dir))
		}
	}
	if all, err := File(name, func(w io.Writer) error { _, err := w.Write(good); return err }); err != nil ||
		all.Files != len(kept) {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := File(name, func(io.Writer) error { return errors.New("no") }); err == nil ||
		files(t, dir)["backup.tar"] != string(good) {
		t.Error("the one of before is gone")
	}
}

func TestOutside_KeepsABackupOutOfItsDirectory(t *testing.T) {
	dir := tree(t, kept)
	for _, name := range []string{"b.tar", "acme/b.tar", "other/../b.tar"} {
		if Outside(dir, filepath.Join(dir, name)) == nil {
			t.Errorf("%s lies in it", name)
		}
	}
	for _, name := range []string{dir + ".tar", filepath.Join(dir, "..", "b.tar"),
		filepath.Join(dir, "..", "..b.tar")} {
		if err := Outside(dir, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A store that is not there where it is said to be is no archive without topics.
func TestWrite_MissesNoStoreInSilence(t *testing.T) {
	dir := tree(t, kept)
	if err := Write(io.Discard, dir, filepath.Join(dir, "none"), "v1"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := Write(io.Discard, tree(t, map[string]string{"acme/key": "x"}), "", "v1"); err != nil {
		t.Errorf("a directory without topics: %v", err)
	}
}

// A file that is no file is said, and not left out.
func TestWrite_RefusesWhatIsNoPlainFile(t *testing.T) {
	dir := tree(t, kept)
	if err := os.Symlink("/etc/hosts", filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if err := Write(io.Discard, dir, "", "v1"); err == nil ||
		!strings.Contains(err.Error(), "link is not a plain file") {
		t.Error(err)
	}
}
