package main

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// file is one Go file.
type file struct {
	path   string // from the root, with slashes
	test   bool
	text   []byte
	syntax *ast.File
}

// dir is the folder of the file, from the root.
func (f *file) dir() string { return path.Dir(f.path) }

// lines is how many lines the file has.
func (f *file) lines() int { return bytes.Count(f.text, []byte("\n")) }

// source is all Go files below a folder, those of the tests included.
type source struct {
	root  string
	names *token.FileSet
	files []*file
}

// read parses the files below root. It leaves out what go build does (testdata, names that begin with a dot).
func read(root string) (*source, error) {
	s := &source{root: root, names: token.NewFileSet()}
	err := filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if at != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || !entry.Type().IsRegular() {
			return nil
		}
		return s.add(at)
	})
	if err == nil && len(s.files) == 0 {
		err = errors.New("no Go files below " + root)
	}
	return s, err
}

func (s *source) add(at string) error {
	text, err := os.ReadFile(at)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(s.root, at)
	if err != nil {
		return err
	}
	name = filepath.ToSlash(name)
	syntax, err := parser.ParseFile(s.names, name, text, parser.ParseComments)
	if err != nil {
		return err
	}
	s.files = append(s.files, &file{name, strings.HasSuffix(name, "_test.go"), text, syntax})
	return nil
}

// shipped are the files that are no tests.
func (s *source) shipped() (all []*file) {
	for _, f := range s.files {
		if !f.test {
			all = append(all, f)
		}
	}
	return all
}

// line is the line of a position in its file.
func (s *source) line(at token.Pos) int { return s.names.Position(at).Line }
