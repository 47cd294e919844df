package fanfare_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Every middleware has a row in the guide and an example with an output.
func TestGuideOfMiddleware(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("docs/guide/middleware.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir("middleware", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		made, examples := middlewareOf(t, dir)
		for _, name := range made {
			found++
			called := name
			if dir != "middleware" {
				called = path.Base(filepath.ToSlash(dir)) + "." + name
			}
			if !strings.Contains(string(guide), "`"+called+"(") {
				t.Errorf("docs/guide/middleware.md has no row for %s", called)
			}
			if !examples["Example"+name] && !(dir != "middleware" && examples["Example"]) {
				t.Errorf("%s has no example with an output", called)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 20 {
		t.Errorf("only %d middleware were found", found)
	}
}

// middlewareOf returns the functions of a package that make middleware, and its examples with an output. A function New returns something that has
// a method Middleware, if not that itself.
func middlewareOf(t *testing.T, dir string) (made []string, examples map[string]bool) {
	t.Helper()
	examples = map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || f.Recv != nil:
			case strings.HasPrefix(f.Name.Name, "Example"):
				base, _, _ := strings.Cut(f.Name.Name, "_")
				examples[base] = examples[base] || hasOutput(file, f)
			case f.Name.IsExported() && f.Type.Results != nil && (f.Name.Name == "New" || returnsMiddleware(f)):
				made = append(made, f.Name.Name)
			}
		}
	}
	return made, examples
}

func returnsMiddleware(f *ast.FuncDecl) bool {
	result, ok := f.Type.Results.List[0].Type.(*ast.SelectorExpr)
	return ok && result.Sel.Name == "Middleware"
}

// hasOutput reports whether an example is run and compared.
func hasOutput(file *ast.File, f *ast.FuncDecl) bool {
	for _, group := range file.Comments {
		text := strings.ToLower(group.Text())
		if group.Pos() > f.Pos() && group.End() < f.End() && (strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:")) {
			return true
		}
	}
	return false
}
