package durable

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc64"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// The stream of a snapshot is the keys and values of the state machine, each with its length before it, then a key of
// length 0 and the CRC-64 of all before it.

var ecma = crc64.MakeTable(crc64.ECMA)

// streamReader reads the stream of a partition as it was when the reader was opened.
type streamReader struct {
	snapshot  *pebble.Snapshot
	partition uint16
	prefixes  []byte // of the keys that follow
	it        *pebble.Iterator
	crc       hash.Hash64
	rest      []byte
	ended     bool
}

// stream opens the stream of a partition and returns its size, for which it reads the stream once.
func stream(db *pebble.DB, partition uint16) (r io.ReadCloser, size int64, err error) {
	snapshot := db.NewSnapshot()
	open := func() *streamReader {
		return &streamReader{
			snapshot: snapshot, partition: partition, prefixes: replicatedPrefixes, crc: crc64.New(ecma),
		}
	}
	size, err = io.Copy(io.Discard, open())
	if err != nil {
		return nil, 0, errors.Join(err, snapshot.Close())
	}
	return open(), size, nil
}

func (s *streamReader) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.ended {
			return 0, io.EOF
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// fill puts the next key and value, or the end, into rest.
func (s *streamReader) fill() error {
	for {
		if s.it == nil && len(s.prefixes) == 0 {
			s.rest = binary.BigEndian.AppendUint64(append(s.rest[:0], 0), s.crc.Sum64())
			s.ended = true
			return nil
		}
		ok, err := s.next()
		if err != nil {
			return err
		}
		if ok {
			s.rest = appendText(appendText(s.rest[:0], s.it.Key()), s.it.Value())
			s.crc.Write(s.rest)
			return nil
		}
	}
}

// next moves to the next key, and from prefix to prefix.
func (s *streamReader) next() (ok bool, err error) {
	if s.it == nil {
		from, to := keyRange(s.prefixes[0], s.partition)
		s.prefixes = s.prefixes[1:]
		if s.it, err = s.snapshot.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to}); err != nil {
			return false, err
		}
		ok = s.it.First()
	} else {
		ok = s.it.Next()
	}
	if !ok {
		err, s.it = s.it.Close(), nil
	}
	return ok, err
}

func (s *streamReader) Close() error {
	var err error
	if s.it != nil {
		err, s.it = s.it.Close(), nil
	}
	return errors.Join(err, s.snapshot.Close())
}

var errStream = errors.New("what another node sent as its state is damaged")

// maxPair bounds a key or a value of a stream, in bytes.
const maxPair = 64 << 20

// receive replaces the state of a partition by a stream. When it returns nil the state is on disk; after an error the
// partition has to be restored again.
func receive(db *pebble.DB, partition uint16, r io.Reader) error {
	for _, prefix := range replicatedPrefixes {
		from, to := keyRange(prefix, partition)
		if err := db.DeleteRange(from, to, pebble.NoSync); err != nil {
			return err
		}
	}
	in, crc := bufio.NewReaderSize(r, 64<<10), crc64.New(ecma)
	var key, value []byte
	for {
		var err error
		if key, err = readText(in, key); err != nil {
			return err
		}
		if len(key) == 0 {
			break
		}
		if value, err = readText(in, value); err != nil {
			return err
		}
		if len(key) < 3 || binary.BigEndian.Uint16(key[1:]) != partition ||
			!bytes.Contains(replicatedPrefixes, key[:1]) {
			return errStream
		}
		crc.Write(appendText(appendText(nil, key), value))
		if err := db.Set(key, value, pebble.NoSync); err != nil {
			return err
		}
	}
	var check [8]byte
	if _, err := io.ReadFull(in, check[:]); err != nil || binary.BigEndian.Uint64(check[:]) != crc.Sum64() {
		return errStream
	}
	if err := db.LogData(nil, pebble.Sync); err != nil {
		return err
	}
	return snapshots{partition, db}.dropChunks()
}

func readText(in *bufio.Reader, into []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(in)
	if err != nil || n > maxPair {
		return nil, errStream
	}
	if uint64(cap(into)) < n {
		into = make([]byte, n)
	}
	into = into[:n]
	if _, err := io.ReadFull(in, into); err != nil {
		return nil, errStream
	}
	return into, nil
}
