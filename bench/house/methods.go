package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// exempt are types that may have more methods, in more files, than the goals say, and why.
var exempt = map[string]string{
	"transport/api.API": "one method for each call of the HTTP API",
}

// typeOf is what is known of a type: its methods, and the files that they stand in.
type typeOf struct {
	name    string // with its folder: actors.Node
	methods int
	files   []string // sorted
}

// types are the types that have methods.
func types(s *source) []*typeOf {
	found := map[string]*typeOf{}
	for _, f := range s.shipped() {
		for _, declared := range f.syntax.Decls {
			fn, ok := declared.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			name := f.dir() + "." + receiver(fn.Recv.List[0].Type)
			if found[name] == nil {
				found[name] = &typeOf{name: name}
			}
			t := found[name]
			t.methods++
			if file := path.Base(f.path); !slices.Contains(t.files, file) {
				t.files = append(t.files, file)
			}
		}
	}
	for _, t := range found {
		slices.Sort(t.files)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *typeOf) int { return cmp.Compare(a.name, b.name) })
}

// receiver is the name of the type of a method: T of T, *T and *T[K].
func receiver(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.StarExpr:
		return receiver(of.X)
	case *ast.IndexExpr:
		return receiver(of.X)
	case *ast.IndexListExpr:
		return receiver(of.X)
	case *ast.ParenExpr:
		return receiver(of.X)
	case *ast.Ident:
		return of.Name
	}
	return "?"
}

// widestType is the type whose methods stand in the most files.
func widestType(s *source) (measured, error) {
	return rankTypes(s, func(t *typeOf) int { return len(t.files) },
		func(t *typeOf) string { return ": " + strings.Join(t.files, " ") }), nil
}

// largestType is the type with the most methods.
func largestType(s *source) (measured, error) {
	return rankTypes(s, func(t *typeOf) int { return t.methods }, func(*typeOf) string { return "" }), nil
}

// rankTypes lists the types with the highest counts, and takes the count of the first that is not exempt.
func rankTypes(s *source, count func(*typeOf) int, detail func(*typeOf) string) measured {
	all := types(s)
	slices.SortStableFunc(all, func(a, b *typeOf) int { return cmp.Compare(count(b), count(a)) })
	m := measured{now: []int{0}}
	for _, t := range all[:min(listed, len(all))] {
		reason := exempt[t.name]
		if reason != "" {
			reason = " (exempt: " + reason + ")"
		} else if m.note == "" {
			m.now[0], m.note = count(t), t.name
		}
		m.found = append(m.found, fmt.Sprintf("%3d  %s%s%s", count(t), t.name, reason, detail(t)))
	}
	return m
}

// importersOfProtoactor are the packages that import any package of protoactor.
func importersOfProtoactor(s *source) (measured, error) {
	found := map[string]bool{}
	for _, f := range s.shipped() {
		for _, imported := range f.syntax.Imports {
			name, err := strconv.Unquote(imported.Path.Value)
			if err != nil {
				return measured{}, err
			}
			if strings.HasPrefix(name, "github.com/asynkron/protoactor-go") {
				found[f.dir()] = true
			}
		}
	}
	names := slices.Sorted(maps.Keys(found))
	return measured{now: []int{len(names)}, note: strings.Join(names, " "), found: names}, nil
}
