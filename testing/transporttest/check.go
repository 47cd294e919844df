package transporttest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A check holds a transport to one sentence of the contract.
type check struct {
	name     string // what must hold
	contract string // the sentence, word for word from the comments of package transport
	run      func(s *stage)
}

// report fails the test if n fails the check.
func (c check) report(t testing.TB, n Network) {
	t.Helper()
	if err := c.check(t, n); err != nil {
		t.Errorf("%s: %v", n.Name, err)
	}
}

// check runs the check on a network of its own, and ends all that it has opened. It must be called by the goroutine of the test.
func (c check) check(t testing.TB, n Network) (err error) {
	t.Helper()
	s := &stage{network: n.Open(t)}
	defer func() { // also when open has failed the test
		if closed := s.close(); err == nil {
			err = closed
		}
		if err != nil {
			err = fmt.Errorf("%w\nThis breaks the contract of package transport: %q", err, c.contract)
		}
	}()
	return s.perform(c.run)
}

// failure ends a check from wherever it is found. It never leaves the package.
type failure struct{ text string }

func (f *failure) Error() string { return f.text }

// perform calls f, and returns the failure that ended it.
func (s *stage) perform(f func(*stage)) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *failure:
			err = p
		default:
			panic(p)
		}
	}()
	f(s)
	return nil
}

// failf ends the check, and says where in it. Only its own goroutine may call it.
func (s *stage) failf(format string, args ...any) {
	panic(&failure{fmt.Sprintf(format, args...) + "\nThe check is at " + line()})
}

// line returns the line at which the check is: that of what perform has called, whatever helpers are between.
func line() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)]) // not this one, but failf
	var check runtime.Frame
	for frame, more := frames.Next(); more && !strings.HasSuffix(frame.Function, ".(*stage).perform"); frame, more = frames.Next() {
		check = frame
	}
	return fmt.Sprintf("%s:%d", filepath.Base(check.File), check.Line)
}
