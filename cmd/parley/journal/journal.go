// Package journal is a small append-only file of records, one line each with its checksum, for data that is rare and
// small and must not be lost: revocations.
//
// It promises:
//
//  1. A record for which Append or Rewrite returned no error is there after kill -9 and after a loss of power.
//  2. A line that was being written at that moment is not there afterwards, whichever of its bytes made it to the disk;
//     it spoils none before or after it. A failed write leaves the file as it was, or is made good by the next.
//  3. Rewrite is all or nothing, by a new file that takes the old one's name.
//  4. A line whose checksum does not hold is left out and counted; the lines around it are read. A file that is no
//     journal is an error and is not touched.
//  5. One process at a time has a directory's journals.
//
// A copy of the file, taken at any moment, is a journal. It asks of its user that the records are bounded: it reads one
// line at a time, but each Rewrite writes all of them. It does not know what the records say, but that they are single
// lines.
//
// It is a file of its own, and not a part of the store of durable topics, since it has to be there when no topic is
// durable, and before the store has opened.
package journal

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
)

// header is the first line of a journal. The number is that of its form.
const header = "parley journal 1\n"

// maxLine bounds a line, in bytes.
const maxLine = 64 << 10

// sumDigits are the hexadecimal digits of a checksum.
const sumDigits = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errNotOne = errors.New("is no journal that this version can read; move it away, or start the version that wrote " +
		"it")
	errTooLong = fmt.Errorf("a record has more than %d bytes or a line break", maxLine)
)

// File is a journal. It is for one goroutine at a time.
type File struct {
	path   string
	lock   io.Closer
	file   *os.File // nil while there is none on disk
	size   int64    // of the whole records
	torn   bool     // there may be something behind size
	broken int
}

// Open opens the journal of this path, and makes its directory if need be. A journal that does not exist is empty: it
// is made by the first write. The error says that it cannot be read, or that another process has it.
func Open(path string) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	f := &File{path: path, lock: lock}
	if err := f.open(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *File) open() (err error) {
	if f.file, err = os.OpenFile(f.path, os.O_RDWR, 0); errors.Is(err, fs.ErrNotExist) {
		f.file = nil
		return nil
	} else if err != nil {
		return err
	}
	return f.Replay(func([]byte) {})
}

// Broken is how many lines were left out, since their checksum does not hold.
func (f *File) Broken() int { return f.broken }

// Replay calls do with each record, the oldest first. A record is valid during the call only.
func (f *File) Replay(do func(record []byte)) error {
	if f.file == nil {
		return nil
	}
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(f.file, maxLine)
	first, err := lines.ReadSlice('\n')
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return err
	}
	if string(first) != header {
		return fmt.Errorf("%s %w", f.path, errNotOne)
	}
	f.size, f.broken = int64(len(header)), 0
	for {
		length, err := f.next(lines, do)
		if err == io.EOF {
			f.torn = length > 0
			return nil
		} else if err != nil {
			return err
		}
		f.size += length
	}
}

// next reads one line and returns its length. With io.EOF it is what lies behind the last whole line.
func (f *File) next(lines *bufio.Reader, do func(record []byte)) (length int64, err error) {
	line, err := lines.ReadSlice('\n')
	length = int64(len(line))
	if err == nil {
		if record, ok := unseal(line[:len(line)-1]); ok {
			do(record)
		} else {
			f.broken++
		}
		return length, nil
	}
	for err == bufio.ErrBufferFull { // no record is so long
		line, err = lines.ReadSlice('\n')
		length += int64(len(line))
	}
	if err == nil {
		f.broken++
	}
	return length, err
}

// Append writes one more record and returns when it is on disk.
func (f *File) Append(record []byte) error {
	if f.file == nil {
		return f.Rewrite(func(yield func([]byte) bool) { yield(record) })
	}
	line, err := seal(nil, record)
	if err != nil {
		return err
	}
	if f.torn {
		if err := f.file.Truncate(f.size); err != nil {
			return err
		}
	}
	f.torn = true
	if _, err := f.file.WriteAt(line, f.size); err != nil {
		return errors.Join(err, f.cut())
	}
	if err := f.file.Sync(); err != nil {
		return errors.Join(err, f.cut()) // nobody knows now what is on disk; the caller rewrites
	}
	f.size, f.torn = f.size+int64(len(line)), false
	return nil
}

// cut takes back what may have been written of a line.
func (f *File) cut() error {
	err := f.file.Truncate(f.size)
	f.torn = err != nil
	return err
}

// Rewrite replaces all records.
func (f *File) Rewrite(records iter.Seq[[]byte]) error {
	// one that a crash left is overwritten
	fresh, err := os.OpenFile(f.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	size, err := fill(fresh, records)
	if err == nil {
		err = os.Rename(fresh.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, fresh.Close(), os.Remove(fresh.Name()))
	}
	if f.file != nil {
		_ = f.file.Close() // it has no name any more
	}
	f.file, f.size, f.torn = fresh, size, false
	return syncDirectory(filepath.Dir(f.path))
}

func fill(into *os.File, records iter.Seq[[]byte]) (size int64, err error) {
	out := bufio.NewWriter(into)
	out.WriteString(header)
	size = int64(len(header))
	var line []byte
	for record := range records {
		if line, err = seal(line[:0], record); err != nil {
			return size, err
		}
		out.Write(line)
		size += int64(len(line))
	}
	return size, errors.Join(out.Flush(), into.Sync())
}

// Close closes the file. Records whose Append has returned are on disk already.
func (f *File) Close() error {
	err := f.lock.Close()
	if f.file != nil {
		err = errors.Join(err, f.file.Close())
	}
	return err
}

// seal appends the line of a record: its checksum, a blank, the record.
func seal(dst, record []byte) ([]byte, error) {
	for _, c := range record {
		if c == '\n' {
			return dst, errTooLong
		}
	}
	if len(record)+sumDigits+2 > maxLine {
		return dst, errTooLong
	}
	dst = fmt.Appendf(dst, "%0*x ", sumDigits, crc32.Checksum(record, castagnoli))
	return append(append(dst, record...), '\n'), nil
}

// unseal returns the record of a line without its end.
func unseal(line []byte) (record []byte, ok bool) {
	if len(line) < sumDigits+1 || line[sumDigits] != ' ' {
		return nil, false
	}
	sum, err := strconv.ParseUint(string(line[:sumDigits]), 16, 32)
	record = line[sumDigits+1:]
	return record, err == nil && uint32(sum) == crc32.Checksum(record, castagnoli)
}

// syncDirectory makes a new name in a directory durable.
func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
