package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	gotypes "go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// largestCycles are the sizes of the largest cycle of files in the package actors, and in one of those below it.
func largestCycles(s *source) (measured, error) {
	packages, err := list(s.root, "./actors/...")
	if err != nil {
		return measured{}, err
	}
	type cycle struct {
		dir   string
		files []string
	}
	m := measured{now: []int{0, 0}}
	var cycles []cycle
	for _, p := range packages.ours {
		references, err := packages.references(s, p)
		if err != nil {
			return measured{}, err
		}
		for _, files := range components(references) {
			cycles = append(cycles, cycle{p.folder, files})
		}
	}
	slices.SortStableFunc(cycles, func(a, b cycle) int { return cmp.Compare(len(b.files), len(a.files)) })
	for _, c := range cycles {
		if at := below(c.dir); len(c.files) > m.now[at] {
			m.now[at] = len(c.files)
			m.note = strings.TrimSpace(m.note + " " + c.dir)
		}
		if len(c.files) > 1 {
			m.found = append(m.found, fmt.Sprintf("%2d  %s: %s", len(c.files), c.dir, strings.Join(c.files, " ")))
		}
	}
	return m, nil
}

// below is 0 for the package actors and 1 for one below it.
func below(dir string) int { return min(strings.Count(dir, "/"), 1) }

// listing is what go list tells of packages and of those that they import.
type listing struct {
	ours    []listedPackage
	exports map[string]string // the files of compiled packages, by import path
}

type listedPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	DepOnly                 bool

	folder string // from the root, with slashes
}

// list asks go list, which compiles what is not compiled yet.
func list(root, pattern string) (*listing, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly", pattern)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.String())
	}
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	l := &listing{exports: map[string]string{}}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return l, nil
		} else if err != nil {
			return nil, err
		}
		l.exports[p.ImportPath] = p.Export
		if p.DepOnly {
			continue
		}
		folder, err := filepath.Rel(root, p.Dir)
		if err != nil {
			return nil, err
		}
		p.folder = filepath.ToSlash(folder)
		l.ours = append(l.ours, p)
	}
}

// references are, for each file of a package, the files that declare what it names: types, functions, methods, fields.
func (l *listing) references(s *source, p listedPackage) (map[string][]string, error) {
	var files []*ast.File
	references := map[string][]string{}
	for _, f := range s.files {
		if f.dir() == p.folder && slices.Contains(p.GoFiles, path.Base(f.path)) {
			files = append(files, f.syntax)
			references[path.Base(f.path)] = nil
		}
	}
	info := &gotypes.Info{Uses: map[*ast.Ident]gotypes.Object{}}
	config := gotypes.Config{Importer: importer.ForCompiler(s.names, "gc", func(name string) (io.ReadCloser, error) {
		return os.Open(l.exports[name])
	})}
	checked, err := config.Check(p.ImportPath, s.names, files, info)
	if err != nil {
		return nil, err
	}
	for name, used := range info.Uses {
		if used.Pkg() != checked || !used.Pos().IsValid() {
			continue
		}
		from, to := s.base(name.Pos()), s.base(used.Pos())
		if from != to && !slices.Contains(references[from], to) {
			references[from] = append(references[from], to)
		}
	}
	return references, nil
}

// base is the name of the file of a position, without its folder.
func (s *source) base(at token.Pos) string { return path.Base(s.names.Position(at).Filename) }

// components are the strongly connected components of a graph (Tarjan): what reaches each other. Each is sorted.
func components(graph map[string][]string) (all [][]string) {
	index, low, open := map[string]int{}, map[string]int{}, []string{}
	var visit func(node string)
	visit = func(node string) {
		index[node] = len(index) + 1
		low[node] = index[node]
		open = append(open, node)
		for _, next := range graph[node] {
			if index[next] == 0 {
				visit(next)
				low[node] = min(low[node], low[next])
			} else if slices.Contains(open, next) {
				low[node] = min(low[node], index[next])
			}
		}
		if low[node] == index[node] {
			at := slices.Index(open, node)
			component := slices.Sorted(slices.Values(open[at:]))
			open = open[:at]
			all = append(all, component)
		}
	}
	for node := range graph {
		if index[node] == 0 {
			visit(node)
		}
	}
	slices.SortFunc(all, slices.Compare)
	return all
}
