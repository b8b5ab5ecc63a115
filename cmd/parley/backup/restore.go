package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/parley-realtime/parley/actors/durable"
)

const (
	// unfinishedName is a file that is in a data directory while it is being restored.
	unfinishedName = "restore-unfinished"
	lockName       = "LOCK"
)

// ours reports whether a name is that of a file by which directories are looked after.
func ours(name string) bool { return name == unfinishedName || name == lockName || name == AddressName }

// Unfinished says that a data directory is one whose restore did not come to its end; nil if it is not.
func Unfinished(dir string) error {
	_, err := os.Lstat(filepath.Join(dir, unfinishedName))
	switch {
	case err == nil:
		return fmt.Errorf("the restore of %s was not finished; run it again (parley restore --from FILE --data %s)",
			dir, dir)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// Restore makes a data directory of an archive, which it reads twice: before anything is done, and then. The directory
// has to be empty, or to have been left by a restore that was not finished; if it is not there it is made. Errors are
// sentences for an operator.
func Restore(from io.ReadSeeker, dir string) (all Summary, err error) {
	if all, err = Verify(from); err != nil {
		return all, err
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return all, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return all, err
	}
	err = durable.WithLock(dir, func() error {
		defer os.Remove(filepath.Join(dir, lockName)) // Hold's; what is left of it does no harm
		if err := empty(dir); err != nil {
			return err
		}
		return fill(from, dir)
	})
	if errors.Is(err, durable.ErrInUse) {
		return all, fmt.Errorf("another restore into %s is at work", dir)
	}
	return all, err
}

// empty marks a directory as unfinished and empties it of what an earlier restore left.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	marked := Unfinished(dir) != nil
	for _, entry := range entries {
		if !marked && entry.Name() != lockName {
			return fmt.Errorf("%s is not empty (it holds %s); restore into an empty directory, or move this one away "+
				"first", dir, entry.Name())
		}
	}
	if err := os.WriteFile(filepath.Join(dir, unfinishedName), nil, 0o600); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == lockName || entry.Name() == unfinishedName {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// fill puts the files of an archive in place and takes the mark away when the disk has all of them.
func fill(from io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	dirs := map[string]bool{".": true}
	_, err = read(from, func(name string, content io.Reader) error {
		for parent := path.Dir(name); !dirs[parent]; parent = path.Dir(parent) {
			dirs[parent] = true
		}
		if err := root.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o700); err != nil {
			return err
		}
		return put(root, filepath.FromSlash(name), content)
	})
	for parent := range dirs {
		err = errors.Join(err, syncDir(filepath.Join(dir, filepath.FromSlash(parent))))
	}
	if err != nil {
		return fmt.Errorf("%w (%s is not usable until a restore into it is finished)", err, dir)
	}
	return errors.Join(root.Remove(unfinishedName), syncDir(dir))
}

// put writes one file, which is on disk when it returns.
func put(root *os.Root, name string, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir brings the entries of a directory to the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
