package durable

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// fileID names an open file: its inode, and when that was made, since a number is given again after a file is removed.
// It is "" where the file system has neither. No copy has the ID of the original; renaming the file or a directory above
// it, writing to it, and another owner or mode leave it as it is. Where the file system does not tell the time, the
// number has to do.
func fileID(f vfs.File) string {
	if f.Fd() == vfs.InvalidFd {
		return ""
	}
	var s unix.Statx_t
	if err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_INO|unix.STATX_BTIME, &s); err != nil || s.Mask&unix.STATX_INO == 0 {
		return ""
	}
	if s.Mask&unix.STATX_BTIME == 0 {
		return fmt.Sprint(s.Ino)
	}
	return fmt.Sprintf("%d %d.%09d", s.Ino, s.Btime.Sec, s.Btime.Nsec)
}
