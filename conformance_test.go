package fanfare_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/conformance.md names is there.
func TestConformanceTable(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	short := make(map[string]string) // "R" and the file it stands for
	for _, m := range regexp.MustCompile("\\*\\*([A-Z])\\*\\* `(\\w+_test\\.go)`").FindAllSubmatch(document, -1) {
		short[string(m[1])] = string(m[2])
	}
	named := regexp.MustCompile(`([A-Z]|[\w/]+_test\.go):(Test\w+)`).FindAllStringSubmatch(string(document), -1)
	if len(short) == 0 || len(named) < 100 {
		t.Fatalf("%d short names, %d tests: the document has changed its form", len(short), len(named))
	}
	sources := make(map[string]string)
	for _, m := range named {
		file := m[1]
		if full, ok := short[file]; ok {
			file = full
		}
		if !strings.Contains(file, "/") {
			file = filepath.Join("socket", file)
		}
		if sources[file] == "" {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
				continue
			}
			sources[file] = string(source)
		}
		if !strings.Contains(sources[file], "\nfunc "+m[2]+"(") {
			t.Errorf("%s has no %s", file, m[2])
		}
	}
}
