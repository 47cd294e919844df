package transporttest_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// faults are all broken transports, by the check that must find them.
func faults() map[string]map[string]fault {
	all := map[string]map[string]fault{}
	for _, some := range []map[string]map[string]fault{
		messageFaults(), eventFaults(), endFaults(), retainedFaults(), requestFaults(), answerFaults(), abandonFaults(), taskFaults(), acknowledgementFaults(),
	} {
		maps.Copy(all, some)
	}
	return all
}

// Each check has a name of its own, and finds transports that break what it is about.
func TestEachCheckHasFaults(t *testing.T) {
	t.Parallel()
	checks := slices.Sorted(slices.Values(transporttest.Checks()))
	if unique := slices.Compact(slices.Clone(checks)); len(unique) != len(checks) {
		t.Errorf("%d checks have %d names", len(checks), len(unique))
	}
	found := faults()
	for _, name := range checks {
		if len(found[name]) == 0 {
			t.Errorf("no transport breaks the check %q", name)
		}
		delete(found, name)
	}
	for name := range found {
		t.Errorf("there is no check %q", name)
	}
}

// Each check fails on each of its broken transports, and says why; and it does not on the sound one. In a bubble what never happens takes
// no time.
func TestEachCheckCanFail(t *testing.T) {
	t.Parallel()
	for name, some := range faults() {
		for how, f := range some {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					err := transporttest.Check(t, name, broken(f.wrap))
					if err == nil || !strings.Contains(err.Error(), f.want) {
						t.Fatalf("got %v, want %q in it", err, f.want)
					}
					if _, sentence, _ := strings.Cut(err.Error(), "\nThis breaks the contract of package transport: "); len(sentence) < 10 {
						t.Errorf("which sentence is broken is not told: %v", err)
					}
				})
			})
		}
	}
}

// failing is a test that keeps its failures for another one.
type failing struct {
	testing.TB
	failures []string
}

func (f *failing) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

// A failure says what was expected, what happened, and which sentence that breaks.
func TestFailuresExplain(t *testing.T) {
	t.Parallel()
	const name = "publishing to nobody succeeds"
	f := &failing{TB: t}
	transporttest.Report(f, name, broken(messageFaults()[name]["fails"].wrap))
	transporttest.Report(f, name, bustest.Memory())
	want := `broken: expected Publish to succeed, but it returned: the fault
The check is at publish.go:` + lineOf(t, "publish.go", `s.publish(pub, message("t", "to nobody"))`) + `
This breaks the contract of package transport: "Publish hands m to every peer that subscribed to a prefix of its topic."`
	if !slices.Equal(f.failures, []string{want}) {
		t.Errorf("got %q, want %q", f.failures, want)
	}
}

// lineOf returns the number of the first line with that text.
func lineOf(t *testing.T, file, text string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(source), text)
	if !found {
		t.Fatalf("%s has no %q", file, text)
	}
	return fmt.Sprint(strings.Count(before, "\n") + 1)
}

// Where messages are missing, a failure names those that are, and what was dropped.
func TestFailuresTellOfDrops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		small := transporttest.Network{Name: "small", Open: func(testing.TB) func() transport.Transport {
			n := memory.NewNetwork(&memory.Options{HWM: 1})
			return func() transport.Transport { return n.Join() }
		}}
		err := transporttest.Check(t, "each Subscribe needs an Unsubscribe", small)
		for _, want := range []string{`["t" "still", "more" "x"], but after ["t" "still"]`, "in the order in which they were opened: [1 0]"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	})
}

// Fakes that break nothing pass every check, in a bubble too.
func TestSoundFakes(t *testing.T) {
	t.Parallel()
	for _, name := range transporttest.Checks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if err := transporttest.Check(t, name, broken(func(testing.TB) breaker { return func(*fake) {} })); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What a failure quotes is in the comments of package transport, word for word.
func TestContractIsQuoted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../transport/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files, %v", err)
	}
	var words []string
	for _, file := range files {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, comment := range source.Comments {
			words = append(words, strings.Fields(comment.Text())...)
		}
	}
	contract := strings.Join(words, " ")
	for _, name := range transporttest.Checks() {
		if quoted := transporttest.Contract(name); quoted == "" || !strings.Contains(contract, quoted) {
			t.Errorf("%s: package transport does not say %q", name, quoted)
		}
	}
}
