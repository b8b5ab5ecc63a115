package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// messages takes the messages of all dialects, one at a time: those that the filters leave are printed, or each is
// given to a command.
type messages struct {
	kinds   []string       // none are all
	pattern *regexp.Regexp // nil finds all
	out     io.Writer
	timed   bool
	command []string // none prints
	limit   int      // 0 is none
	enough  func()
	began   time.Time
	asking  sync.WaitGroup // who asks what was missed

	mu     sync.Mutex
	count  int
	counts map[string]*listenCount // by dialect
}

// listenCount is what was heard in a dialect, after the filters.
type listenCount struct {
	messages, bytes, reconnects int
	tags                        map[string]int
}

// maxTags bounds the tags that are counted in a dialect; the others are "other".
const maxTags = 32

// printer returns what takes the lines of a dialect.
func (m *messages) printer(dialect string, speaks *protocol.Client) func([]byte) error {
	return func(line []byte) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.limit > 0 && m.count == m.limit || !m.wanted(line, speaks) {
			return nil
		}
		m.count++
		m.of(dialect).add(speaks.TagOf(line), len(line)-1)
		err := m.take(dialect, line)
		if m.count == m.limit {
			m.enough()
		}
		return err
	}
}

func (m *messages) wanted(line []byte, speaks *protocol.Client) bool {
	ofKind := func(kind string) bool { return speaks.Says(line, kind) }
	return (len(m.kinds) == 0 || slices.ContainsFunc(m.kinds, ofKind)) && (m.pattern == nil || m.pattern.Match(line))
}

// of are the counts of a dialect. The caller holds the lock.
func (m *messages) of(dialect string) *listenCount {
	if m.counts[dialect] == nil {
		m.counts[dialect] = &listenCount{tags: map[string]int{}}
	}
	return m.counts[dialect]
}

func (c *listenCount) add(tag string, size int) {
	c.messages++
	c.bytes += size
	if tag == "" {
		return
	}
	if _, known := c.tags[tag]; !known && len(c.tags) >= maxTags {
		tag = "other"
	}
	c.tags[tag]++
}

func (m *messages) take(dialect string, line []byte) error {
	if len(m.command) > 0 {
		return m.run(dialect, line)
	}
	if m.timed {
		line = append(fmt.Appendf(nil, "%s %-10s ", time.Now().Format("15:04:05.000"), dialect), line...)
	}
	_, err := m.out.Write(line)
	return err
}

// run gives a message to the command, and waits for its end: a slow one makes a slow reader. That it fails is said, and
// listening goes on; that it cannot be started ends it.
func (m *messages) run(dialect string, line []byte) error {
	cmd := exec.Command(m.command[0], m.command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(line), m.out, os.Stderr
	cmd.Env = append(os.Environ(), "PARLEY_DIALECT="+dialect)
	err := cmd.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		fmt.Fprintln(os.Stderr, "parley: "+m.command[0]+": "+failed.String())
		return nil
	}
	return err
}

// taken is how many messages the filters left.
func (m *messages) taken() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// printStats prints a line for each dialect.
func (m *messages) printStats(to io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	took := time.Since(m.began)
	for _, dialect := range slices.Sorted(maps.Keys(m.counts)) {
		c := m.counts[dialect]
		line := fmt.Sprintf("%s: messages %d, bytes %d, %.1f a second in %s", dialect, c.messages, c.bytes,
			float64(c.messages)/took.Seconds(), took.Round(100*time.Millisecond))
		if c.reconnects > 0 {
			line += fmt.Sprintf(", reconnects %d", c.reconnects)
		}
		for i, tag := range slices.Sorted(maps.Keys(c.tags)) {
			line += fmt.Sprintf("%s %s %d", map[bool]string{true: ":", false: ","}[i == 0], tag, c.tags[tag])
		}
		fmt.Fprintln(to, oneLine(errors.New(strings.ToValidUTF8(line, "?"))))
	}
}
