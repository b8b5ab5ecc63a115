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

const (
	rulesName = "rules"
	// maxRules bounds how many rules are remembered that were not followed up, as by starts on a full disk.
	maxRules = 16
)

// SetRules tells the store by which rules topics are durable from now on. When it returns, each topic that the rules of
// before or the new ones do not cover has a new epoch; if the rules have not changed, that costs one read of a small
// file. rules is the text of the rules, and parse returns which topics a text covers; it is also called with the texts
// of earlier starts. SetRules reads and writes the disk. It must not be called by two goroutines at once.
func (s *Store) SetRules(rules string, parse func(rules string) TopicMatcher) error {
	files, anew := s.cfg.Files, s.newEpochs
	s.newEpochs = false
	if served, err := readRules(files, s.dir); err != nil || len(served) == 1 && served[0] == rules {
		return err
	}
	if err := addRules(files, s.dir, rules); err != nil {
		return err
	}
	served, err := readRules(files, s.dir)
	if err != nil {
		return err
	}
	switch {
	case len(served) > 0:
		err = s.renew(served, parse)
	case !anew: // otherwise the start has done it
		err = s.renewAll()
	}
	if err != nil {
		return err
	}
	return writeRules(files, s.dir, rules)
}

// renewAll gives every topic a new epoch.
func (s *Store) renewAll() error {
	s.cfg.Logger.Warn("it is not known which topics were durable since the last start: " +
		"all durable topics begin new epochs, so that readers from before are told")
	for _, one := range s.partitions {
		if err := one.reseed(false); err != nil {
			return err
		}
	}
	return nil
}

// renew gives new epochs to the topics that some of these rules do not cover.
func (s *Store) renew(served []string, parse func(rules string) TopicMatcher) error {
	var all []TopicMatcher
	for _, rules := range served {
		all = append(all, parse(rules))
	}
	missed := func(tenant, topic string) bool {
		for _, covers := range all {
			if !covers(tenant, topic) {
				return true
			}
		}
		return false
	}
	count := 0
	for _, one := range s.partitions {
		n, err := one.renew(missed)
		if err != nil {
			return err
		}
		count += n
	}
	s.cfg.Logger.Info("the rules for durable topics have changed; "+
		"topics that are or were kept elsewhere begin new epochs",
		"topics", count)
	return nil
}

// MarkUnserved tells the store in a directory that a run of the server begins which serves no topic from it. All topics
// then begin new epochs when the store is opened again. It does nothing if there is no store. Errors are those of
// WithLock.
func MarkUnserved(dir string) error {
	err := WithLock(dir, func() error { return removeRules(vfs.Default, dir) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// addRules adds rules to those that were served, before they are followed up. It does nothing if none are known.
func addRules(files vfs.FS, dir, rules string) error {
	served, err := readRules(files, dir)
	switch n := len(served); {
	case err != nil:
		return err
	case n == 0 || served[n-1] == rules:
		return nil
	case n >= maxRules:
		return removeRules(files, dir)
	}
	return writeRules(files, dir, append(served, rules)...)
}

// readRules returns the rules that the store has served since it last looked at all topics, none if they are not known.
func readRules(files vfs.FS, dir string) (served []string, err error) {
	f, err := files.Open(files.PathJoin(dir, rulesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for r := bufio.NewReader(f); ; {
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

// writeRules replaces the file, or removes it if there is no room for another.
func writeRules(files vfs.FS, dir string, served ...string) (err error) {
	name := files.PathJoin(dir, rulesName)
	f, err := files.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err == nil {
		for _, rules := range served {
			_, failed := fmt.Fprintf(f, "%q\n", rules)
			err = errors.Join(err, failed)
		}
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = files.Rename(name+".new", name)
	}
	if err != nil {
		return removeRules(files, dir)
	}
	return syncDir(files, dir)
}

func removeRules(files vfs.FS, dir string) error { return removeFile(files, dir, rulesName) }
