package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	columns  = 120
	tabWidth = 4
	listed   = 30 // of the largest functions and files
)

// sized is something that has a number of lines.
type sized struct {
	what  string
	lines int
}

// largest are the largest of all as lines of text, at most n.
func largest(all []sized, n int) (found []string) {
	slices.SortStableFunc(all, func(a, b sized) int { return cmp.Compare(b.lines, a.lines) })
	for _, one := range all[:min(n, len(all))] {
		found = append(found, fmt.Sprintf("%4d  %s", one.lines, one.what))
	}
	return found
}

// quantile is the smallest number that so many percent of all do not pass (nearest rank); 0 of none.
func quantile(all []sized, percent int) int {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(all), func(a, b sized) int { return cmp.Compare(a.lines, b.lines) })
	return sorted[max((len(sorted)*percent+99)/100, 1)-1].lines
}

// engineSize is how many files and lines the package actors has, without those below it.
func engineSize(s *source) (measured, error) {
	var files []sized
	lines := 0
	for _, f := range s.shipped() {
		if f.dir() == "actors" {
			files = append(files, sized{f.path, f.lines()})
			lines += f.lines()
		}
	}
	return measured{now: []int{len(files), lines}, found: largest(files, len(files))}, nil
}

// functionSizes are the lines of functions and methods from func to the closing brace.
func functionSizes(s *source) (measured, error) {
	var all []sized
	for _, f := range s.shipped() {
		for _, declared := range f.syntax.Decls {
			if fn, ok := declared.(*ast.FuncDecl); ok && fn.Body != nil {
				first, last := s.line(fn.Pos()), s.line(fn.End())
				all = append(all, sized{fmt.Sprintf("%s:%d %s", f.path, first, fn.Name.Name), last - first + 1})
			}
		}
	}
	now := []int{quantile(all, 50), quantile(all, 90), quantile(all, 100)}
	return measured{now: now, found: largest(all, listed)}, nil
}

func fileSizes(s *source) (measured, error) {
	var all []sized
	for _, f := range s.shipped() {
		all = append(all, sized{f.path, f.lines()})
	}
	return measured{now: []int{quantile(all, 90), quantile(all, 100)}, found: largest(all, listed)}, nil
}

// longLines are the lines of all files that pass the last column and could be wrapped.
func longLines(s *source) (measured, error) {
	var found []string
	for _, f := range s.files {
		fixed := unwrappable(s, f)
		number := 0
		for line := range bytes.Lines(f.text) {
			number++
			if w := width(bytes.TrimRight(line, "\r\n")); w > columns && !fixed[number] {
				found = append(found, fmt.Sprintf("%s:%d has %d columns", f.path, number, w))
			}
		}
	}
	return measured{now: []int{len(found)}, found: found}, nil
}

func width(line []byte) int {
	return utf8.RuneCount(line) + (tabWidth-1)*bytes.Count(line, []byte("\t"))
}

// unwrappable are the lines that a line break would change: those that begin inside a raw string, and those of a field
// whose tag has nothing but short texts. The help in a tag could be in a method Help.
func unwrappable(s *source, f *file) map[int]bool {
	fixed := map[int]bool{}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING && strings.HasPrefix(n.Value, "`") {
				for line := s.line(n.Pos()) + 1; line <= s.line(n.End()); line++ {
					fixed[line] = true
				}
			}
		case *ast.Field:
			if n.Tag != nil && !strings.Contains(n.Tag.Value, `help:"`) {
				fixed[s.line(n.Tag.Pos())] = true
			}
		}
		return true
	})
	return fixed
}
