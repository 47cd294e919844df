package bustest

import (
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/rs/zerolog"
)

// New returns a bus for one test: in-process, or as the options say. What it logs goes to the test's log, unless the options have
// a logger: warnings and errors, and everything with "go test -v".
//
// When the test ends the bus is shut down, unless the test has done that, and the test fails
//   - if an event was accepted and reached no handler, for lack of room or time; if the transport has dropped one, or shows a gap between
//     those that it has received; or if a request or task was not done (but see [AllowUndelivered]),
//   - if the counters of a subscription do not add up,
//   - if a handler, and so a goroutine of the bus, is still running 10 s after the end.
//
// Of a test that has failed already, and of a bus whose [Faults] have lost something, only the last two are checked. A handler that waits
// for its context to end holds the shutdown up: close such a bus in the test, or use AllowUndelivered.
func New(t testing.TB, options ...*bus.Options) *bus.Bus {
	t.Helper()
	o := last(options)
	if o.Logger == nil {
		log := zerolog.New(zerolog.NewTestWriter(t))
		if _, benchmark := t.(*testing.B); benchmark || !testing.Verbose() {
			log = log.Level(zerolog.WarnLevel)
		}
		o.Logger = &log
	}
	b, err := bus.New(&o)
	if err != nil {
		t.Fatalf("bus.New: %v", err)
	}
	allowed, _ := allowanceOf(b, func() any { return &allowance{t: t} })
	t.Cleanup(func() {
		t.Helper() // the line of a failure is that of New in the test
		end(t, b, allowed)
	})
	return b
}

// AllowUndelivered says that a test means events of b to be lost: dropped by an overflow policy, abandoned when a subscription or the bus is
// closed, or lost on the way. b is then closed at the end of the test instead of being shut down. It may be called at any
// time before that, and fails the test if b is none of [New].
func AllowUndelivered(t testing.TB, b *bus.Bus) {
	t.Helper()
	allowed, release := allowanceOf(b, func() any { return (*allowance)(nil) })
	defer release()
	if allowed == nil {
		t.Fatalf("bustest.AllowUndelivered: the bus %q was not made by bustest.New", b.Name())
	}
	allowed.undelivered.Store(true)
}

// last returns a copy of the options that were given, if any.
func last(options []*bus.Options) (o bus.Options) {
	for _, given := range options {
		if given != nil {
			o = *given
		}
	}
	return o
}
