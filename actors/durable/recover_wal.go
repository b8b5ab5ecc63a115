package durable

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strconv"

	chunks "github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// namedWAL finds in Pebble's error the log that Pebble could not replay.
var namedWAL = regexp.MustCompile(`replaying wal (\d+)`)

// recoverWAL cuts a damaged log of Pebble's in front of the damage and moves the rest and all newer logs aside. The
// store is then as it was at an earlier time. cut is false if there was nothing to cut. openErr is the error with
// which Pebble failed to open; it names the log. Older logs are not looked at: they may be left from before.
func recoverWAL(fs vfs.FS, dir string, openErr error, log *slog.Logger) (cut bool, err error) {
	named := namedWAL.FindStringSubmatch(fmt.Sprintf("%+v", openErr))
	if named == nil {
		return false, nil
	}
	number, err := strconv.ParseUint(named[1], 10, 64)
	if err != nil {
		return false, err
	}
	logs, err := wal.Scan(wal.Dir{FS: fs, Dirname: dir})
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(logs, func(l wal.LogicalLog) bool { return l.Num == wal.NumWAL(number) })
	if i < 0 {
		return false, nil
	}
	good, cause, err := intactLength(logs[i], i == len(logs)-1)
	if err != nil || cause == nil {
		return false, err
	}
	_, path := logs[i].SegmentLocation(0)
	log.Error("a log file of the store is damaged; what it holds from there on, and what is newer, is dropped",
		"file", path, "offset", good, "newer_files", len(logs)-1-i, "kept_in", damagedDir, "cause", cause)
	return true, cutWALs(fs, dir, logs[i:], good)
}

// intactLength reads a log up to its end, or up to the damage, whose cause it returns. If the newest log ends in the
// middle of a record, a crash cut it short, and that is no damage.
func intactLength(l wal.LogicalLog, newest bool) (good int64, cause, err error) {
	if l.NumSegments() != 1 {
		return 0, nil, errors.New("a log of the store has more than one file; this store never writes such")
	}
	r := l.OpenForRead()
	defer r.Close()
	for {
		_, at, err := r.NextRecord() // it reads the record to its end
		switch {
		case errors.Is(err, io.EOF):
			return at.Physical, nil, nil
		case err != nil && newest && errors.Is(err, chunks.ErrUnexpectedEOF):
			return at.Physical, nil, nil
		case err != nil:
			return at.Physical, err, nil
		}
	}
}

// cutWALs keeps the first bytes of the first log and moves the rest aside.
func cutWALs(fs vfs.FS, dir string, logs wal.Logs, good int64) error {
	aside := fs.PathJoin(dir, damagedDir)
	if err := errors.Join(fs.RemoveAll(aside), fs.MkdirAll(aside, 0o755)); err != nil {
		return err
	}
	_, first := logs[0].SegmentLocation(0)
	kept := first + ".cut"
	if err := copyFirst(fs, first, kept, good); err != nil {
		return err
	}
	for i := len(logs) - 1; i > 0; i-- { // the newest first, so that a crash on the way leaves no gap
		_, path := logs[i].SegmentLocation(0)
		if err := fs.Rename(path, fs.PathJoin(aside, fs.PathBase(path))); err != nil {
			return err
		}
	}
	if err := fs.Link(first, fs.PathJoin(aside, fs.PathBase(first))); err != nil {
		return err
	}
	return errors.Join(fs.Rename(kept, first), syncDir(fs, dir))
}

func copyFirst(fs vfs.FS, from, to string, n int64) (err error) {
	in, err := fs.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := fs.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, n)
	return errors.Join(err, out.Sync(), out.Close())
}
