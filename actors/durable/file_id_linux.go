package durable

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// fileID identifies an open file by its inode and the time at which that was made, since the number of a removed inode
// is given again. It is "" where the file system has neither. No copy has the id of the original. The id stays when the
// file or a directory above it is renamed, when the file is written to, and when it gets another owner or mode. Where
// the file system does not tell the time, the number has to do.
func fileID(f vfs.File) string {
	if f.Fd() == vfs.InvalidFd {
		return ""
	}
	var s unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_INO|unix.STATX_BTIME, &s)
	if err != nil || s.Mask&unix.STATX_INO == 0 {
		return ""
	}
	if s.Mask&unix.STATX_BTIME == 0 {
		return fmt.Sprint(s.Ino)
	}
	return fmt.Sprintf("%d %d.%09d", s.Ino, s.Btime.Sec, s.Btime.Nsec)
}
