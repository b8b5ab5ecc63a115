// Package wholefile replaces small files as a whole.
//
// A reader of the file sees what was there before or all that is new, and never a part. It does not sync: after a power
// loss the file may be the one of before, or empty.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace makes a file of a content, in place of one that may be there, with permissions 0600. Its directory must
// exist.
func Replace(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // with 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
