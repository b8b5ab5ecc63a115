package backup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// File makes a file of the archive that write writes. The file of that name is whole at every moment: it is the archive
// of before, or the new one once the disk has it and it was read again. Errors are sentences for an operator.
func File(name string, write func(io.Writer) error) (all Summary, err error) {
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, filepath.Base(name)+".*.part")
	if err != nil {
		return all, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Sync()); err != nil {
		return all, errors.Join(err, f.Close())
	}
	_, err = f.Seek(0, io.SeekStart)
	if err == nil {
		all, err = Verify(f)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return all, err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return all, err
	}
	return all, syncDir(dir)
}

// Outside fails if a file would lie in a data directory: the next archive would hold it.
func Outside(dir, name string) error {
	where, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return err
	}
	if where, err = filepath.Abs(where); err != nil {
		return err
	}
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if root, err = filepath.Abs(root); err != nil {
		return err
	}
	if inside, err := filepath.Rel(root, where); err == nil && inside != ".." &&
		!strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		return fmt.Errorf("%s lies in the data directory %s; a backup goes somewhere else, best to another disk", name,
			dir)
	}
	return nil
}
