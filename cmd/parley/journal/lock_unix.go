//go:build unix

package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// lockDirectory keeps other processes from writing here, by a lock on the directory itself: it needs no room on a full
// disk and leaves nothing behind. It ends with the process, however that ends.
func lockDirectory(path string) (io.Closer, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another process uses it; give each its own")
		}
		return nil, errors.Join(fmt.Errorf("directory %s: %w", path, err), dir.Close())
	}
	return dir, nil
}
