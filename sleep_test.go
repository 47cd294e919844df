package fanfare_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// bubbles are the functions that run what they are given in a bubble of testing/synctest.
var bubbles = map[string]bool{"synctest.Test": true, "rapid.SyncTest": true, "remote": true, "looping": true, "bubble": true, "recording": true}

// sleepers are the functions that sleep outside of the text of a bubble, and why they may.
var sleepers = map[string]string{
	"bus/contract_test.go:TestIsolation":            "a handler that a bubble uses",
	"bus/property_counters_test.go:step":            "a step that a bubble takes",
	"bus/property_cycles_test.go:check":             "called in bubbles",
	"bus/property_handlers_test.go:do":              "called in bubbles",
	"internal/lane/watch_test.go:pass":              "called in bubbles",
	"pipeline/property_test.go:handle":              "a handler that bubbles use",
	"pipeline/property_test.go:step":                "a step that a bubble takes",
	"request/property_test.go:make":                 "a move that a bubble makes",
	"subscriber/group_test.go:member":               "a handler that bubbles use",
	"transport/zmq/idle_unix_test.go:BenchmarkIdle": "how little happens in real time is what it measures",
}

// No test sleeps to wait for something: time.Sleep stands in the bubbles of testing/synctest, where it is the work of a handler, or time that
// passes, and takes none.
func TestSleepsAreVirtual(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, at := range sleeps(f) {
				where := filepath.ToSlash(path) + ":" + f.Name.Name
				if sleepers[where] != "" {
					found[where] = true
				} else {
					t.Errorf("%s sleeps in %s outside of a bubble: wait for the event", files.Position(at), where)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(sleepers) {
		t.Errorf("only %v sleep outside of bubbles, %d are listed", found, len(sleepers))
	}
}

// sleeps returns where f calls time.Sleep, but for what it hands to bubbles.
func sleeps(f ast.Node) (at []token.Pos) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := calledName(call)
		if name == "time.Sleep" {
			at = append(at, call.Pos())
		}
		return !bubbles[name]
	})
	return at
}

// calledName returns the name of the function that is called, as it is written.
func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if pkg, ok := f.X.(*ast.Ident); ok {
			return pkg.Name + "." + f.Sel.Name
		}
	}
	return ""
}
