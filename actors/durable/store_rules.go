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

// Which topics are durable, rules say, and they change: at a start, and while the store is open. What is published to a
// topic while no rule has it here is not here, and nobody could tell later: with the next change its epoch would go on
// over the gap. So the store remembers, in a file beside Pebble, which rules it served since every topic was last looked
// at; a topic that one of them does not cover begins a new epoch. It does so when it leaves and again when it comes back,
// since a topic that is open goes by the old rules for a while.
//
// The file is written before anything is served by the new rules, and can be without Pebble. Where it cannot be written,
// it is removed: then nothing is known, and all topics begin new epochs.

// Covers reports whether a topic is durable by some rules.
type Covers func(tenant, topic string) bool

const (
	rulesName = "rules"
	// pendingRules bounds how many rules are remembered that were not followed up, as by starts on a full disk.
	maxRules = 16
)

// Serve tells the store by which rules topics are durable from now on. It returns when each topic that is or was not has
// a new epoch; rules that are the same as before cost one read of a small file. The text says what the rules are, and
// parse what they cover; it is asked about those of earlier starts, too. One call at a time.
func (s *Store) Serve(rules string, parse func(rules string) Covers) error {
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
	case !anew: // else the start has done it
		err = s.renewAll()
	}
	if err != nil {
		return err
	}
	return writeRules(files, s.dir, rules)
}

// renewAll gives every topic a new epoch.
func (s *Store) renewAll() error {
	s.cfg.Logger.Warn("it is not known which topics were durable since the last start: all durable topics begin new epochs, so that readers from before are told")
	for _, one := range s.partitions {
		if err := one.reseed(false); err != nil {
			return err
		}
	}
	return nil
}

// renew gives new epochs to the topics that some of these rules do not cover.
func (s *Store) renew(served []string, parse func(rules string) Covers) error {
	var all []Covers
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
	s.cfg.Logger.Info("the rules for durable topics have changed; topics that are or were kept elsewhere begin new epochs", "topics", count)
	return nil
}

// PassOver tells the store in a directory that a run begins which serves no topic from it: then it begins all its topics
// anew when it is opened again. Without a store it does nothing.
func PassOver(dir string) error {
	err := Hold(dir, func() error { return removeRules(vfs.Default, dir) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// announce adds rules to those that were served, before they are followed up; not if nothing is known.
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

// readRules are the rules that were served since all topics were looked at, none if that is not known.
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
		if err != nil { // nobody here wrote that
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

func removeRules(files vfs.FS, dir string) error { return removeIn(files, dir, rulesName) }
