package fanfare_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// snippet is a piece of Go in a guide.
var snippet = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// Every piece of Go in the guide of testing is part of the example that it walks through, which is compiled and whose tests are run.
func TestGuideOfTesting(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("docs/guide/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("examples/orders/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var example strings.Builder
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		example.Write(source)
	}
	snippets := snippet.FindAllStringSubmatch(string(guide), -1)
	for _, s := range snippets {
		if !strings.Contains(example.String(), s[1]) {
			t.Errorf("docs/guide/testing.md shows what is not in examples/orders:\n%s", s[1])
		}
	}
	if len(snippets) < 6 {
		t.Errorf("only %d pieces of Go were found", len(snippets))
	}
}
