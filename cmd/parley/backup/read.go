package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// maxSums bounds SHA256SUMS, in bytes: room for more files than a data directory has.
const maxSums = 64 << 20

var errNotWhole = errors.New("the archive is not whole: its end is missing")

// Verify reads an archive to its end and checks all sums. Errors are sentences for an operator.
func Verify(from io.Reader) (Summary, error) {
	return read(from, func(_ string, content io.Reader) error {
		_, err := io.Copy(io.Discard, content)
		return err
	})
}

// read gives each file of an archive to each, which reads it to its end. If the error is nil, all of it was whole.
func read(from io.Reader, each func(name string, content io.Reader) error) (all Summary, err error) {
	archive := tar.NewReader(from)
	said, sums, err := readAbout(archive)
	if err != nil {
		return all, err
	}
	all.Created = said.Created
	for {
		head, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return all, errNotWhole
		case err != nil:
			return all, fmt.Errorf("the archive cannot be read: %w", err)
		case head.Name == sumsName:
			return all, compare(archive, sums)
		case head.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(head.Name)) || ours(head.Name):
			return all, fmt.Errorf("the archive holds %q, which no backup does", head.Name)
		}
		sum := sha256.New()
		if err := each(head.Name, io.TeeReader(archive, sum)); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = errNotWhole
			}
			return all, err
		}
		sums = append(sums, sumLine(sum, head.Name)...)
		all.Files++
		all.Bytes += head.Size
	}
}

// readAbout reads what is first in an archive, and begins its sums.
func readAbout(archive *tar.Reader) (a about, sums []byte, err error) {
	head, err := archive.Next()
	if err != nil || head.Name != aboutName {
		return a, nil, errors.New("this is no backup of Parley, or its beginning is damaged")
	}
	text, err := io.ReadAll(io.LimitReader(archive, 4<<10))
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return a, nil, errors.New("the archive is damaged: what it says of itself cannot be read")
	}
	if a.Format != format {
		return a, nil, fmt.Errorf("the archive has format %d, made by version %s; this version knows format %d",
			a.Format, a.Version, format)
	}
	sum := sha256.New()
	sum.Write(text)
	return a, []byte(sumLine(sum, aboutName)), nil
}

// compare reads the sums and compares them with what was read.
func compare(archive io.Reader, sums []byte) error {
	said, err := io.ReadAll(io.LimitReader(archive, maxSums))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errNotWhole
	case err != nil:
		return fmt.Errorf("the archive cannot be read: %w", err)
	case !bytes.Equal(said, sums):
		return fmt.Errorf("the archive is damaged: %s differs from what it holds", firstDifference(said, sums))
	}
	return nil
}

// firstDifference names the first file whose line differs.
func firstDifference(said, sums []byte) string {
	a, b := bytes.Split(said, []byte("\n")), bytes.Split(sums, []byte("\n"))
	for i, line := range b {
		if i >= len(a) || !bytes.Equal(a[i], line) {
			if _, name, ok := bytes.Cut(line, []byte("  ")); ok {
				return string(name)
			}
			break
		}
	}
	return "the list of its files"
}
