package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"unicode"
)

// kind is what a name names; kinds can be added up.
type kind uint

const (
	ofPackage kind = 1 << iota
	ofFile
	ofType
	ofMethod // of an interface, too
	ofFunction
	ofField
	ofValue // a constant or variable of a package
	ofLocal // a parameter, result or variable of a function

	// named is what a reader finds in a listing.
	named = ofPackage | ofFile | ofType | ofMethod
	every = named | ofFunction | ofField | ofValue | ofLocal
)

func (k kind) String() string {
	return map[kind]string{ofPackage: "package", ofFile: "file", ofType: "type", ofMethod: "method", ofFunction: "func",
		ofField: "field", ofValue: "value", ofLocal: "local"}[k]
}

// homeMade is a word of this repository's own for what the field has a word for.
type homeMade struct {
	word  string // lower case; several words with spaces: "roll call"
	use   string // the field's word
	in    string // the folders where it means that, with spaces between; actors/... has those below, "" is all
	kinds kind   // which names may not bear it
	alone bool   // it is ordinary English, and forbidden only as the whole name
}

// name is a name that the source declares.
type name struct {
	text string
	kind kind
	dir  string // the folder of the file
	at   string // file:line
}

// homeMadeWords are the names that bear a word of the table.
func homeMadeWords(s *source) (measured, error) {
	used := map[string]bool{}
	var found []string
	for _, n := range declared(s) {
		if i := slices.IndexFunc(homeMadeTable, n.bears); i >= 0 && excepted[n.dir+"."+n.text] == "" {
			w := homeMadeTable[i]
			used[w.word] = true
			found = append(found, fmt.Sprintf("%s %s %s: %s is %s", n.at, n.kind, n.text, w.word, w.use))
		}
	}
	return measured{now: []int{len(used), len(found)}, found: found}, nil
}

// bears reports whether the name has the word in it, or is it.
func (n name) bears(w homeMade) bool {
	if n.kind&w.kinds == 0 || w.in != "" && !slices.ContainsFunc(strings.Fields(w.in), n.within) {
		return false
	}
	parts, word := split(n.text), strings.Fields(w.word)
	if w.alone {
		return slices.Equal(parts, word)
	}
	for at := 0; at+len(word) <= len(parts); at++ {
		if same(parts[at:at+len(word)], word) {
			return true
		}
	}
	return false
}

func (n name) within(folder string) bool {
	dir, all := strings.CutSuffix(folder, "/...")
	return n.dir == dir || all && strings.HasPrefix(n.dir, dir+"/")
}

// same compares words; the last may be a plural.
func same(parts, word []string) bool {
	if len(parts) != len(word) {
		return false
	}
	last := len(word) - 1
	return slices.Equal(parts[:last], word[:last]) && (parts[last] == word[last] || parts[last] == word[last]+"s")
}

// split parts a name into its words in lower case: HTTPRollCall_2 is http, roll, call, 2.
func split(text string) (words []string) {
	runes := []rune(text)
	from := 0
	end := func(to int) {
		if to > from {
			words = append(words, strings.ToLower(string(runes[from:to])))
		}
		from = to
	}
	for i, r := range runes {
		switch {
		case r == '_' || r == '-':
			end(i)
			from = i + 1
		case i > from && unicode.IsUpper(r) &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			end(i)
		}
	}
	end(len(runes))
	return words
}

// declared are the names that the source declares, each once a folder and kind.
func declared(s *source) (all []name) {
	type once struct {
		text, dir string
		kind      kind
	}
	seen := map[once]bool{}
	for _, f := range s.shipped() {
		add := func(text string, k kind, at token.Pos) {
			if key := (once{text, f.dir(), k}); text != "_" && text != "" && !seen[key] {
				seen[key] = true
				all = append(all, name{text, k, f.dir(), fmt.Sprintf("%s:%d", f.path, s.line(at))})
			}
		}
		add(f.syntax.Name.Name, ofPackage, f.syntax.Package)
		if f.dir() != "." {
			add(path.Base(f.dir()), ofPackage, f.syntax.Package)
		}
		add(strings.TrimSuffix(path.Base(f.path), ".go"), ofFile, f.syntax.Package)
		names(f.syntax, add)
	}
	return all
}

// names calls add for each name that a file declares.
func names(f *ast.File, add func(text string, k kind, at token.Pos)) {
	list := func(names []*ast.Ident, k kind) {
		for _, n := range names {
			add(n.Name, k, n.Pos())
		}
	}
	for _, declared := range f.Decls {
		values := ofValue
		if fn, ok := declared.(*ast.FuncDecl); ok {
			values = ofLocal
			if fn.Recv == nil {
				add(fn.Name.Name, ofFunction, fn.Pos())
			} else {
				add(fn.Name.Name, ofMethod, fn.Pos())
				list(fieldNames(fn.Recv), ofLocal)
			}
		}
		ast.Inspect(declared, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				add(n.Name.Name, ofType, n.Pos())
			case *ast.StructType:
				list(fieldNames(n.Fields), ofField)
			case *ast.InterfaceType:
				list(fieldNames(n.Methods), ofMethod)
			case *ast.FuncType:
				list(append(fieldNames(n.Params), fieldNames(n.Results)...), ofLocal)
			case *ast.ValueSpec:
				list(n.Names, values)
			case *ast.AssignStmt:
				if n.Tok == token.DEFINE {
					list(idents(n.Lhs...), ofLocal)
				}
			case *ast.RangeStmt:
				if n.Tok == token.DEFINE {
					list(idents(n.Key, n.Value), ofLocal)
				}
			}
			return true
		})
	}
}

func fieldNames(of *ast.FieldList) (names []*ast.Ident) {
	if of != nil {
		for _, field := range of.List {
			names = append(names, field.Names...)
		}
	}
	return names
}

// idents are those of the expressions that are names.
func idents(all ...ast.Expr) (names []*ast.Ident) {
	for _, e := range all {
		if name, ok := e.(*ast.Ident); ok {
			names = append(names, name)
		}
	}
	return names
}
