package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The rules that say which topics are durable change, at a start and while the store is open. While no rule makes a
// topic durable, what is published to it is not in the store, and later nobody could tell: with the next change the
// topic's epoch would go on over the gap. So the store remembers in a file which rules it has served since it last
// looked at every topic. A topic that some of these rules do not cover begins a new epoch. It does so when it leaves
// the store and again when it comes back, since a topic that is open obeys the old rules for a while.
//
// The file is written before anything is served by the new rules, and does not need Pebble. If it cannot be written it
// is removed: then nothing is known, and all topics begin new epochs.

// TopicMatcher reports whether some rules make a topic durable.
type TopicMatcher func(tenant, topic string) bool

// rulesFile is the file in a store's directory that holds the rules.
type rulesFile struct {
	files vfs.FS
	dir   string
}

// maxRules bounds how many rules are remembered that were not followed up, as by starts on a full disk.
const maxRules = 16

// add adds rules to those that were served, before they are followed up. It does nothing if none are known.
func (f rulesFile) add(rules string) error {
	served, err := f.read()
	switch n := len(served); {
	case err != nil:
		return err
	case n == 0 || served[n-1] == rules:
		return nil
	case n >= maxRules:
		return f.remove()
	}
	return f.write(append(served, rules)...)
}

// read returns the rules that the store has served since it last looked at all topics, none if they are not known.
func (f rulesFile) read() (served []string, err error) {
	file, err := f.files.Open(f.files.PathJoin(f.dir, rulesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for r := bufio.NewReader(file); ; {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return served, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		rules, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil { // the file is not one that this package wrote
			return nil, nil
		}
		served = append(served, rules)
	}
}

// write replaces the file, or removes it if there is no room for another.
func (f rulesFile) write(served ...string) error {
	name := f.files.PathJoin(f.dir, rulesName)
	file, err := f.files.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err == nil {
		for _, rules := range served {
			_, failed := fmt.Fprintf(file, "%q\n", rules)
			err = errors.Join(err, failed)
		}
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err == nil {
		err = f.files.Rename(name+".new", name)
	}
	if err != nil {
		return f.remove()
	}
	return syncDir(f.files, f.dir)
}

func (f rulesFile) remove() error { return removeFile(f.files, f.dir, rulesName) }

// MarkUnserved tells the store in a directory that a run of the server begins which serves no topic from it. All topics
// then begin new epochs when the store is opened again. It does nothing if there is no store. Errors are those of
// WithLock.
func MarkUnserved(dir string) error {
	err := WithLock(dir, func() error { return rulesFile{vfs.Default, dir}.remove() })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
