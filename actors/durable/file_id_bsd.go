//go:build darwin || freebsd || netbsd

package durable

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// fileID is that of file_id_linux.go.
func fileID(f vfs.File) string {
	var s unix.Stat_t
	if f.Fd() == vfs.InvalidFd || unix.Fstat(int(f.Fd()), &s) != nil {
		return ""
	}
	return fmt.Sprintf("%d %d.%09d", s.Ino, s.Btim.Sec, s.Btim.Nsec)
}
