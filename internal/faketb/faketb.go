// Package faketb is for tests of what takes a testing.TB: a test that may fail without the one around it failing, and says how it did. It
// is for test files only.
package faketb

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Outcome is what became of a test.
type Outcome struct {
	// Failures are the texts of its failures, in their order, with a line break between them. It is "" if the test has not failed.
	Failures string
	// Where is the file and the line, such as "shop_test.go:12", that its first failure is reported at: outside of all functions that have
	// called Helper. It is "" if the test has not failed.
	Where string
	// Log is what it has logged otherwise, in the same form.
	Log string
	// Skipped says that it was skipped.
	Skipped bool
}

// Run runs body as the testing package runs a test, and what that leaves for the end, and returns when all of it has. What a test says of
// itself is that of the fake: failures, the log, whether it was skipped, its context and what it cleans up. The rest, such as TempDir, is
// passed on to t. That may be nil, for a body that asks for nothing of the rest.
//
// The test that body gets may be used concurrently, in a bubble of testing/synctest as well.
func Run(t testing.TB, body func(t testing.TB)) Outcome {
	around := context.Background()
	if t != nil {
		around = t.Context()
	}
	ctx, end := context.WithCancel(around)
	f := &fake{TB: t, ctx: ctx, helpers: map[uintptr]struct{}{}}
	apart(func() { body(f) })
	end() // before the cleanups, as for any test
	for cleanup := f.next(); cleanup != nil; cleanup = f.next() {
		apart(cleanup)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return Outcome{
		Failures: strings.Join(f.failures, "\n"),
		Where:    f.where,
		Log:      strings.Join(f.logged, "\n"),
		Skipped:  f.skipped,
	}
}

// apart calls f in a goroutine of its own, which FailNow and SkipNow may end.
func apart(f func()) {
	var call sync.WaitGroup
	call.Go(f)
	call.Wait()
}

// fake is the test that a body believes to be in.
type fake struct {
	testing.TB // the test around it
	ctx        context.Context

	mu               sync.Mutex
	helpers          map[uintptr]struct{} // where Helper was called
	failures, logged []string
	where            string
	skipped          bool
	cleanups         []func()
}

// next takes the last cleanup that was not called, nil if there is none. A cleanup may have brought another one.
func (f *fake) next() (cleanup func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if last := len(f.cleanups) - 1; last >= 0 {
		cleanup = f.cleanups[last]
		f.cleanups = f.cleanups[:last]
	}
	return cleanup
}

func (f *fake) Context() context.Context { return f.ctx }

func (f *fake) Cleanup(cleanup func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cleanups = append(f.cleanups, cleanup)
}

// Helper keeps no name: only a test that fails needs it, and its look-up costs more than all the rest.
func (f *fake) Helper() {
	var pc [1]uintptr
	runtime.Callers(2, pc[:])
	f.mu.Lock()
	defer f.mu.Unlock()
	f.helpers[pc[0]] = struct{}{}
}

// fail notes a failure, and where it is. A text of "" is that of Fail: others have said why.
func (f *fake) fail(text string) {
	var pc [50]uintptr
	frames := runtime.CallersFrames(pc[:runtime.Callers(3, pc[:])])
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.where == "" {
		f.where = f.outside(frames)
	}
	if text != "" || len(f.failures) == 0 {
		f.failures = append(f.failures, cmp.Or(text, "failed without a word"))
	}
}

// outside returns the innermost line that is in no helper. The lock is held.
func (f *fake) outside(frames *runtime.Frames) string {
	helpers := map[string]bool{}
	for pc := range f.helpers {
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		helpers[frame.Function] = true
	}
	for {
		frame, more := frames.Next()
		if !more || !helpers[frame.Function] {
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
	}
}

func (f *fake) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.failures) > 0
}

func (f *fake) Fail() { f.fail("") }

func (f *fake) FailNow() {
	f.fail("")
	runtime.Goexit()
}

func (f *fake) Error(args ...any) { f.fail(line(args)) }

func (f *fake) Errorf(format string, args ...any) { f.fail(fmt.Sprintf(format, args...)) }

func (f *fake) Fatal(args ...any) {
	f.fail(line(args))
	runtime.Goexit()
}

func (f *fake) Fatalf(format string, args ...any) {
	f.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (f *fake) Log(args ...any) { f.log(line(args)) }

func (f *fake) Logf(format string, args ...any) { f.log(fmt.Sprintf(format, args...)) }

func (f *fake) log(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logged = append(f.logged, text)
}

func (f *fake) Skipped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.skipped
}

func (f *fake) SkipNow() {
	f.mu.Lock()
	f.skipped = true
	f.mu.Unlock()
	runtime.Goexit()
}

func (f *fake) Skip(args ...any) {
	f.log(line(args))
	f.SkipNow()
}

func (f *fake) Skipf(format string, args ...any) {
	f.log(fmt.Sprintf(format, args...))
	f.SkipNow()
}

// line returns what the testing package makes of args.
func line(args []any) string { return strings.TrimSuffix(fmt.Sprintln(args...), "\n") }
