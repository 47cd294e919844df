package fanfare_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/fanfare-go/fanfare"

// imports is the import table: which packages of ours, and which modules of others, the code of a package may import. What is
// not listed is forbidden, so a new package needs a line here. "dir/..." means dir and everything below it, and "public"
// means every package outside internal, testing, examples and cmd. The standard library is free for all, and test files
// may import everything of ours and every module of the list below.
var imports = map[string]struct{ ours, modules string }{
	".": {},

	"internal/change":   {},
	"internal/deadline": {},
	"internal/envelope": {"", "uuid"},
	"internal/faketb":   {}, // for test files only
	"internal/lane":     {},
	"internal/match":    {},
	"internal/rawpeer":  {"internal/zmtp", ""}, // for test files only
	"internal/zmtp":     {"", "zmq4"},

	"codec":           {},
	"codec/multipart": {"codec", ""},
	"transport":       {},
	"topic":           {"codec internal/envelope internal/match", "uuid"},
	"bus":             {"codec internal/change internal/envelope internal/lane internal/match transport", "golang-lru uuid zerolog"},
	"codec/protobuf":  {"codec", "protobuf"},
	"codec/pickle":    {"codec", ""},
	"codec/msgpack":   {"codec", "msgpack"},
	"codec/cbor":      {"codec", "cbor"},
	"codec/text":      {"codec", "text"},

	"publisher":  {"bus topic codec transport internal/envelope internal/lane", "golang-lru uuid"},
	"subscriber": {"bus topic codec transport internal/envelope internal/lane internal/match", "uuid"},
	"request":    {"bus topic codec transport internal/change internal/deadline internal/envelope", "golang-lru uuid"},
	"pipeline":   {"bus topic codec transport internal/change internal/envelope internal/lane", "uuid"},
	"middleware": {"bus internal/deadline internal/envelope publisher topic", "backoff gobreaker golang-lru time uuid zerolog"},

	"socket":           {"internal/change internal/match internal/zmtp", "zmq4"},
	"transport/memory": {"transport internal/change internal/envelope", ""},
	"transport/zmq":    {"transport socket internal/change internal/envelope", "zerolog zmq4"},

	"testing/...":  {"public testing/...", "go-cmp uuid zerolog"},
	"examples/...": {"public", "zerolog"},
	"cmd/...":      {"public", "kong uuid zerolog"},

	"testing/bustest":                {"public testing/... internal/change", "go-cmp uuid zerolog"},
	"testing/bustest/internal/fault": {"transport internal/change internal/envelope", "uuid"},
}

// modules are the modules of others, by the names that the table uses.
var modules = map[string]string{
	"gobreaker":  "github.com/sony/gobreaker/v2",
	"cbor":       "github.com/fxamacker/cbor/v2",
	"backoff":    "github.com/cenkalti/backoff/v5",
	"goleak":     "go.uber.org/goleak", // test files only
	"golang-lru": "github.com/hashicorp/golang-lru/v2",
	"kong":       "github.com/alecthomas/kong",
	"og-rek":     "github.com/kisielk/og-rek", // test files only
	"protobuf":   "google.golang.org/protobuf",
	"msgpack":    "github.com/vmihailenco/msgpack/v5",
	"rapid":      "pgregory.net/rapid", // test files only
	"go-cmp":     "github.com/google/go-cmp",
	"time":       "golang.org/x/time",
	"text":       "golang.org/x/text",
	"uuid":       "github.com/google/uuid",
	"zerolog":    "github.com/rs/zerolog",
	"zmq4":       "github.com/go-zeromq/zmq4",
}

func TestImports(t *testing.T) {
	t.Parallel()
	problems, err := checkImports(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

func TestImportsAreChecked(t *testing.T) {
	t.Parallel()
	names := strings.Join(slices.Sorted(maps.Keys(modules)), " ")
	for name, tc := range map[string]struct {
		file, imported, want string
	}{
		"allowed":        {"topic/a.go", module + "/codec", ""},
		"standard":       {"codec/a.go", "encoding/json", ""},
		"test file":      {"codec/a_test.go", module + "/bus", ""},
		"test module":    {"codec/a_test.go", "go.uber.org/goleak", ""},
		"public":         {"cmd/fanfare/a.go", module + "/transport/zmq", ""},
		"below module":   {"bus/a.go", "github.com/rs/zerolog/log", ""},
		"own testdata":   {"bus/testdata/a.go", "example.com/anything", ""},
		"other module":   {"tools/a.go", "example.com/anything", ""},
		"upwards":        {"bus/a.go", module + "/topic", `bus/a.go imports ` + module + `/topic, but package bus may import of ours only: ` + imports["bus"].ours},
		"nothing":        {"codec/a.go", module + "/bus", `codec/a.go imports ` + module + `/bus, but package codec may import of ours only: nothing`},
		"sideways":       {"publisher/a.go", module + "/subscriber", "but package publisher may import of ours only"},
		"not below":      {"bus/a.go", module + "/transport/zmq", "but package bus may import of ours only"},
		"internal":       {"examples/a/a.go", module + "/internal/lane", "but package examples/a may import of ours only: public"},
		"testing":        {"cmd/fanfare/a.go", module + "/testing/bustest", "but package cmd/fanfare may import of ours only: public"},
		"module":         {"codec/a.go", "github.com/google/uuid", "codec/a.go imports github.com/google/uuid, but package codec may import of other modules only: nothing"},
		"test only":      {"bus/a.go", "go.uber.org/goleak", "but package bus may import of other modules only: " + imports["bus"].modules},
		"unknown module": {"bus/a_test.go", "example.com/assert", "bus/a_test.go imports example.com/assert, but test files may import of other modules only: " + names},
		"similar module": {"bus/a.go", "github.com/rs/zerologger", "but package bus may import of other modules only: " + imports["bus"].modules},
		"unknown":        {"internal/util/a.go", "fmt", "internal/util/a.go: package internal/util is not in the import table of deps_test.go"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems, err := checkImports(fstest.MapFS{
				"tools/go.mod": {},
				tc.file:        {Data: fmt.Appendf(nil, "package a\n\nimport %q\n", tc.imported)},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(problems, "\n"); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// checkImports returns one line per violation of the table in the module at the root of fsys.
func checkImports(fsys fs.FS) (problems []string, err error) {
	err = fs.WalkDir(fsys, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && foreign(fsys, file) {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(file) != ".go" {
			return nil
		}
		source, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		problems = append(problems, checkFile(file, syntax)...)
		return nil
	})
	return problems, err
}

// foreign reports whether the go tool leaves dir out of the module.
func foreign(fsys fs.FS, dir string) bool {
	if dir == "." {
		return false
	}
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	name := path.Base(dir)
	return err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// checkFile returns one line per import of file that the table does not allow.
func checkFile(file string, syntax *ast.File) (problems []string) {
	pkg := path.Dir(file)
	may, known := imports[pkg]
	for dir := pkg; !known && dir != "."; dir = path.Dir(dir) {
		may, known = imports[dir+"/..."]
	}
	if !known {
		return []string{fmt.Sprintf("%s: package %s is not in the import table of deps_test.go", file, pkg)}
	}
	who := "package " + pkg
	if strings.HasSuffix(file, "_test.go") {
		who, may.ours, may.modules = "test files", "...", strings.Join(slices.Sorted(maps.Keys(modules)), " ")
	}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		switch host, _, _ := strings.Cut(imported, "/"); {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: import %s: %v", file, spec.Path.Value, err))
		case within(imported, module):
			if !slices.ContainsFunc(strings.Fields(may.ours), func(word string) bool { return covers(word, imported) }) {
				problems = append(problems, fmt.Sprintf("%s imports %s, but %s may import of ours only: %s",
					file, imported, who, cmp.Or(may.ours, "nothing")))
			}
		case strings.Contains(host, "."): // the first element of a standard package has no dot
			if !slices.ContainsFunc(strings.Fields(may.modules), func(name string) bool { return within(imported, modules[name]) }) {
				problems = append(problems, fmt.Sprintf("%s imports %s, but %s may import of other modules only: %s",
					file, imported, who, cmp.Or(may.modules, "nothing")))
			}
		}
	}
	return problems
}

// covers reports whether the table's word allows the import of a package of ours.
func covers(word, imported string) bool {
	pkg := strings.TrimPrefix(imported, module+"/")
	if word == "public" {
		top, _, _ := strings.Cut(pkg, "/")
		return !slices.Contains([]string{"internal", "testing", "examples", "cmd"}, top)
	}
	if dir, below := strings.CutSuffix(word, "/..."); below {
		return within(pkg, dir)
	}
	return pkg == word || word == "..."
}

// within reports whether the package path is root or below it.
func within(pkg, root string) bool {
	return pkg == root || strings.HasPrefix(pkg, root+"/")
}
