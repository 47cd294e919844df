package faketb_test

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/internal/faketb"
)

func TestOutcome(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body func(t testing.TB)
		want faketb.Outcome // but for Where
	}{
		"nothing":     {func(testing.TB) {}, faketb.Outcome{}},
		"Error":       {func(t testing.TB) { t.Error("a", 1); t.Error("b") }, faketb.Outcome{Failures: "a 1\nb"}},
		"Errorf":      {func(t testing.TB) { t.Errorf("a%d", 1); t.Errorf("b") }, faketb.Outcome{Failures: "a1\nb"}},
		"Fatal":       {func(t testing.TB) { t.Fatal("a", 1); t.Error("b") }, faketb.Outcome{Failures: "a 1"}},
		"Fatalf":      {func(t testing.TB) { t.Fatalf("a%d", 1); t.Error("b") }, faketb.Outcome{Failures: "a1"}},
		"Fail":        {func(t testing.TB) { t.Fail(); t.Error("b") }, faketb.Outcome{Failures: "failed without a word\nb"}},
		"FailNow":     {func(t testing.TB) { t.FailNow(); t.Error("b") }, faketb.Outcome{Failures: "failed without a word"}},
		"Fail at end": {func(t testing.TB) { t.Error("a"); t.Fail() }, faketb.Outcome{Failures: "a"}},
		"Log":         {func(t testing.TB) { t.Log("a", 1); t.Logf("b%d", 2) }, faketb.Outcome{Log: "a 1\nb2"}},
		"Skip":        {func(t testing.TB) { t.Skip("a", 1); t.Error("b") }, faketb.Outcome{Log: "a 1", Skipped: true}},
		"Skipf":       {func(t testing.TB) { t.Skipf("a%d", 1); t.Error("b") }, faketb.Outcome{Log: "a1", Skipped: true}},
		"SkipNow":     {func(t testing.TB) { t.SkipNow(); t.Error("b") }, faketb.Outcome{Skipped: true}},
		"Failed": {
			func(t testing.TB) { t.Log(t.Failed()); t.Error("a"); t.Log(t.Failed()) },
			faketb.Outcome{Failures: "a", Log: "false\ntrue"},
		},
		"Skipped": {
			func(t testing.TB) {
				t.Cleanup(func() { t.Log(t.Skipped()) })
				t.Log(t.Skipped())
				t.SkipNow()
			},
			faketb.Outcome{Log: "false\ntrue", Skipped: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, around := range []testing.TB{t, nil} {
				got := faketb.Run(around, tc.body)
				if (got.Where == "") != (got.Failures == "") {
					t.Errorf("the failures %q are at %q", got.Failures, got.Where)
				}
				got.Where = ""
				if got != tc.want {
					t.Errorf("got %+v, want %+v", got, tc.want)
				}
			}
		})
	}
}

// Cleanups come in the opposite order, each may end early or leave another one, and the context has ended before.
func TestCleanups(t *testing.T) {
	t.Parallel()
	got := faketb.Run(t, func(t testing.TB) {
		ctx := t.Context()
		note := func(what string) { t.Log(what, ctx.Err() == context.Canceled, t.Context() == ctx) }
		t.Cleanup(func() { note("last") })
		t.Cleanup(func() {
			t.Cleanup(func() { note("left by a cleanup") })
			t.Fatal("in a cleanup")
		})
		t.Cleanup(func() { note("first") })
		note("body")
	})
	want := "body false true\nfirst true true\nleft by a cleanup true true\nlast true true"
	if got.Failures != "in a cleanup" || got.Log != want {
		t.Errorf("failures %q, log %q, want %q", got.Failures, got.Log, want)
	}
}

// What a fake does not know is asked of the test around it, whose context it has.
func TestAround(t *testing.T) {
	t.Parallel()
	type key struct{}
	around := withContext{t, context.WithValue(t.Context(), key{}, "value")}
	faketb.Run(around, func(inner testing.TB) {
		if inner.Name() != t.Name() || inner.Context().Value(key{}) != "value" {
			t.Errorf("name %q, context %v", inner.Name(), inner.Context())
		}
	})
}

type withContext struct {
	testing.TB
	ctx context.Context
}

func (w withContext) Context() context.Context { return w.ctx }

// complains fails where it is called.
func complains(t testing.TB) {
	t.Helper()
	t.Error("a")
}

// calls has what it calls fail where it is itself called, or else where f is.
func calls(t testing.TB, f func(t testing.TB)) {
	t.Helper()
	f(t)
}

// TestWhere has each failure in a function of one line.
func TestWhere(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(t testing.TB){
		"Error":      func(t testing.TB) { t.Error("a") },
		"Errorf":     func(t testing.TB) { t.Errorf("a") },
		"Fatal":      func(t testing.TB) { t.Fatal("a") },
		"Fatalf":     func(t testing.TB) { t.Fatalf("a") },
		"Fail":       func(t testing.TB) { t.Fail() },
		"FailNow":    func(t testing.TB) { t.FailNow() },
		"helper":     func(t testing.TB) { complains(t) },
		"in helpers": func(t testing.TB) { calls(t, complains) },
		"by helpers": func(t testing.TB) { calls(t, func(t testing.TB) { t.Error("a") }) },
		"the first":  func(t testing.TB) { t.Error("a"); noHelper(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, want := faketb.Run(t, body).Where, lineOf(body); got != want {
				t.Errorf("at %q, want %q", got, want)
			}
		})
	}
}

// noHelper fails where it is.
func noHelper(t testing.TB) { t.Error("in no helper") }

func TestWhereInNoHelper(t *testing.T) {
	t.Parallel()
	got, want := faketb.Run(t, func(t testing.TB) { calls(t, noHelper) }).Where, lineOf(noHelper)
	if got != want {
		t.Errorf("at %q, want %q", got, want)
	}
}

// A fake is used by many goroutines, as any test.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const each = 10
		got := faketb.Run(t, func(t testing.TB) {
			for i := range each {
				ended := make(chan struct{})
				t.Cleanup(func() { <-ended })
				go func() {
					defer close(ended)
					t.Helper()
					time.Sleep(time.Second)
					t.Errorf("%d", i)
					t.Log(i, t.Failed(), t.Skipped())
				}()
			}
		})
		failures, log := strings.Split(got.Failures, "\n"), strings.Split(got.Log, "\n")
		slices.Sort(failures)
		slices.Sort(log)
		for i := range each {
			if len(failures) != each || len(log) != each || failures[i] != fmt.Sprint(i) || log[i] != fmt.Sprint(i, true, false) {
				t.Fatalf("failures %q, log %q", failures, log)
			}
		}
	})
}

// lineOf returns the file and the line that a function begins at.
func lineOf(f func(t testing.TB)) string {
	pc := reflect.ValueOf(f).Pointer()
	file, line := runtime.FuncForPC(pc).FileLine(pc)
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}
