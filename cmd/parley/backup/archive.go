// Package backup makes one file of a data directory, and a data directory of such a file.
//
// An archive is a tar file: first about, then the files of the directory, last SHA256SUMS with a line for each of them,
// as sha256sum -c reads it. So one that was cut short, changed or mixed up is told from a whole one, and an operator
// can look into it with tar alone. It holds the whole directory but what belongs to a running process.
//
// It promises:
//
//  1. Nothing is put in place that was not read and found whole before.
//  2. A restore that ends early leaves a directory that says so (Unfinished), and can be run again.
//  3. Durable topics of a directory that was restored begin new epochs: an archive lacks what their store knows its
//     directory by.
//
// It does not know how a store is copied while it is open, nor who asks for it.
package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/parley-realtime/parley/actors/durable"
)

const (
	aboutName = "parley-backup.json"
	sumsName  = "SHA256SUMS"
	format    = 1

	// Topics is where the store of durable topics is in a data directory.
	Topics = "topics"
	// AddressName is the file of a data directory in which a server says where it can be reached.
	AddressName = "internal.url"
)

// about is what an archive says of itself.
type about struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of the server
	Created time.Time `json:"created"`
}

// Summary is what an archive holds.
type Summary struct {
	Created time.Time
	Files   int
	Bytes   int64
}

// writer writes an archive.
type writer struct {
	tar  *tar.Writer
	sums bytes.Buffer
}

// Write writes an archive of a data directory. The durable topics are read from store, a directory that does not change
// meanwhile; "" is dir's own. Other files are read as they are. It ends with an error if one changes while it is read.
func Write(to io.Writer, dir, store, version string) error {
	w := &writer{tar: tar.NewWriter(to)}
	said, err := json.Marshal(about{format, version, time.Now().UTC()})
	if err != nil {
		return err
	}
	if err := w.add(aboutName, int64(len(said)), bytes.NewReader(said)); err != nil {
		return err
	}
	if store == "" {
		store = filepath.Join(dir, Topics)
		if _, err := os.Stat(store); errors.Is(err, fs.ErrNotExist) {
			return w.rest(dir)
		}
	}
	if err := w.tree(store, Topics, true, durable.ExcludedFromBackup); err != nil {
		return err
	}
	return w.rest(dir)
}

// rest adds what is beside the durable topics, and ends the archive.
func (w *writer) rest(dir string) error {
	own := func(name string) bool {
		return name == Topics || name == AddressName || name == unfinishedName || name == lockName
	}
	if err := w.tree(dir, "", false, own); err != nil {
		return err
	}
	sums := bytes.Clone(w.sums.Bytes())
	return errors.Join(w.add(sumsName, int64(len(sums)), bytes.NewReader(sums)), w.tar.Close())
}

// tree adds all files below a directory, but for what is left out at its top. Of one that does not stand still, files
// may be removed meanwhile.
func (w *writer) tree(dir, as string, still bool, without func(name string) bool) error {
	return filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && !still:
			return nil
		case err != nil:
			return err
		case file == dir:
			return nil
		}
		name, err := filepath.Rel(dir, file)
		switch {
		case err != nil:
			return err
		case without(name) && entry.IsDir():
			return fs.SkipDir
		case without(name) || entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is not a plain file, and a backup holds no others", file)
		}
		err = w.file(file, path.Join(as, filepath.ToSlash(name)))
		if errors.Is(err, fs.ErrNotExist) && !still {
			return nil
		}
		return err
	})
}

func (w *writer) file(file, as string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	err = w.add(as, info.Size(), f)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s became shorter while it was read", file)
	}
	return err
}

// add adds a file of a size, and its sum.
func (w *writer) add(name string, size int64, r io.Reader) error {
	head := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600,
		ModTime: time.Now().Truncate(time.Second), Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(head); err != nil {
		return err
	}
	sum := sha256.New()
	if n, err := io.Copy(io.MultiWriter(w.tar, sum), io.LimitReader(r, size)); err != nil {
		return err
	} else if n < size {
		return io.ErrUnexpectedEOF
	}
	w.sums.WriteString(sumLine(sum, name))
	return nil
}

func sumLine(sum hash.Hash, name string) string {
	return hex.EncodeToString(sum.Sum(nil)) + "  " + name + "\n"
}
