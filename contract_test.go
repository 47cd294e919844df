package fanfare_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	sentence = regexp.MustCompile(`(?m)^// {1,2}(\d+)\. `)
	testName = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

// contracts are the packages with a contract in their doc.go, and how many sentences it has at least.
var contracts = map[string]int{"bus": 13, "pipeline": 12, "request": 11}

// Every sentence of a contract names tests, and all tests that it names exist.
func TestContractNamesItsTests(t *testing.T) {
	t.Parallel()
	tests := allTests(t)
	for pkg, sentences := range contracts {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			doc, err := os.ReadFile(pkg + "/doc.go")
			if err != nil {
				t.Fatal(err)
			}
			text, _, _ := strings.Cut(string(doc), "\n// # Locks")
			starts := sentence.FindAllStringSubmatchIndex(text, -1)
			if len(starts) < sentences {
				t.Fatalf("only %d sentences found, want %d", len(starts), sentences)
			}
			for i, at := range starts {
				end := len(text)
				if i+1 < len(starts) {
					end = starts[i+1][0]
				}
				number, names := text[at[2]:at[3]], testName.FindAllString(text[at[0]:end], -1)
				if len(names) == 0 {
					t.Errorf("sentence %s names no test", number)
				}
				for _, name := range names {
					if !tests[name] {
						t.Errorf("sentence %s names %s, which does not exist", number, name)
					}
				}
			}
		})
	}
}

// allTests returns the names of all tests in the repository.
func allTests(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}
