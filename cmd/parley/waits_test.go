package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// F53: a loop of a test that sleeps has an end, which says what it waited for; else a wrong constant hangs the run
// until its time is up, and says nothing; in a synctest bubble, too, whose time goes on for ever.
func TestTests_EachWaitHasAnEnd(t *testing.T) {
	walkHouse(t, func(name, file string) {
		if !strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, ".git/") {
			return
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil && !strings.HasPrefix(f.Name.Name, "Benchmark") {
				endlessWaits(f.Body, func(loop *ast.ForStmt) {
					t.Errorf("%s:%d: this loop of %s sleeps and has no end of its own", file,
						files.Position(loop.Pos()).Line, f.Name.Name)
				})
			}
		}
	})
}

// endlessWaits finds the loops that sleep and look at no clock, count or context.
func endlessWaits(in ast.Node, found func(*ast.ForStmt)) {
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForStmt:
			if contains(n, func(n ast.Node) bool { return calls(n, "time", "Sleep") }) && !contains(n, isEnd) &&
				n.Init == nil {
				found(n)
			}
		}
		return true
	})
}

// isEnd reports whether a loop with this in it comes to an end whatever it waits for.
func isEnd(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		if name, ok := n.Fun.(*ast.Ident); ok && (name.Name == "late" || name.Name == "patient") {
			return true
		}
		return calls(n, "time", "Since") || calls(n, "time", "Now") || calls(n, "time", "After")
	case *ast.SelectorExpr:
		return n.Sel.Name == "Done" || n.Sel.Name == "Err"
	case *ast.UnaryExpr: // somebody ends it
		return n.Op == token.ARROW
	case *ast.IncDecStmt:
		return true
	}
	return false
}

func calls(n ast.Node, pkg, name string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	from, ok := selector.X.(*ast.Ident)
	return ok && from.Name == pkg
}

func contains(in ast.Node, what func(ast.Node) bool) (found bool) {
	ast.Inspect(in, func(n ast.Node) bool {
		found = found || n != nil && what(n)
		return !found
	})
	return found
}

// F53: the rule itself tells loops with an end from those without.
func TestTests_TheRuleForWaitsTellsThemApart(t *testing.T) {
	for body, want := range map[string]int{
		`for !ready() { time.Sleep(1) }`:                                                   1,
		`for { if ready() { break }; time.Sleep(1) }`:                                      1,
		`synctest.Test(t, func(t *testing.T) { for !ready() { time.Sleep(1) } })`:          1,
		`for late := r.patient(); !ready(); late() { time.Sleep(1) }`:                      0,
		`for time.Since(start) < patience { time.Sleep(1) }`:                               0,
		`for end := time.Now(); !ready(); { if time.Now().After(end) { }; time.Sleep(1) }`: 0,
		`for ctx.Err() == nil { time.Sleep(1) }`:                                           0,
		`for i := 0; i < 9; i++ { time.Sleep(1) }`:                                         0,
		`for !ready() { }`: 0,
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "x_test.go", "package x\nfunc f() {\n"+body+"\n}", 0)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		endlessWaits(parsed, func(*ast.ForStmt) { got++ })
		if got != want {
			t.Errorf("%s: %d found, want %d", body, got, want)
		}
	}
}
