package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Diagnostics are what is to be said about a configuration.
type Diagnostics struct {
	// Problems are all that is wrong. A configuration with problems must not be used.
	Problems Problems
	// Warnings are settings that work, but perhaps not as they are meant. They are for parley check; a server logs its
	// own.
	Warnings Problems
	// Refused are certificates that clients refuse, and Expiring those that they will refuse soon. A server starts with
	// both, and logs them.
	Refused, Expiring Problems

	locator locator
}

// addProblem adds a problem with a setting, wherever its value came from. A setting that could not be read has its
// problem already, and its value is not the user's.
func (d *Diagnostics) addProblem(key, text string) {
	for _, known := range d.Problems {
		if known.Key == key || strings.HasPrefix(known.Key, key+".") || strings.HasPrefix(known.Key, key+"[") {
			return
		}
	}
	d.Problems = append(d.Problems, d.locator.problem(key, text))
}

// addError adds what Check of a section says, which may be several errors in one; nil adds nothing.
func (d *Diagnostics) addError(section string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			d.addError(section, err)
		}
	} else if setting, ok := errors.AsType[*protocol.SettingError](err); ok {
		d.addProblem(section+"."+setting.Key, setting.Text)
	} else if err != nil {
		d.addProblem(section, err.Error())
	}
}

// addWarning adds a warning about a setting.
func (d *Diagnostics) addWarning(key, text string) {
	d.Warnings = append(d.Warnings, d.locator.problem(key, text))
}

// requireOneOf adds a problem with a setting whose value is none of some words.
func (d *Diagnostics) requireOneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		d.addProblem(key, "must be one of "+strings.Join(words, ", "))
	}
}

// locator knows where settings came from.
type locator struct {
	file    string
	origins map[string]string // of keys set by environment or flag
	lines   map[string]int    // of keys set in the file
}

func newLocator(file string) locator {
	return locator{file: file, origins: map[string]string{}, lines: map[string]int{}}
}

// problem is a problem with a setting, and where its value came from.
func (l *locator) problem(key, text string) Problem {
	if origin, ok := l.origins[key]; ok {
		return Problem{Key: key, Text: text, Origin: origin}
	}
	return problemAt(l.file, l.lineOf(key), key, text)
}

// lineOf is the line of a key, or of the section that should have it; 0 if the file has neither.
func (l *locator) lineOf(key string) int {
	for {
		if line, ok := l.lines[key]; ok {
			return line
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			return 0
		}
		key = key[:cut]
	}
}

// inFile reports whether the file sets a key.
func (l *locator) inFile(key string) bool {
	_, ok := l.lines[key]
	return ok
}
