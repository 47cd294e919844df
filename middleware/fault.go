package middleware

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// ErrFault is matched by the errors of a [Fault], and by what it panics with, which is an error.
var ErrFault = errors.New("middleware: fault injected")

// FaultOptions are how often a [Fault] strikes. Probabilities are from 0, never, to 1, always.
type FaultOptions struct {
	// Seed is what the schedule of the faults is made from. Default: 0, which is a seed like any other.
	Seed uint64
	// Errors is the probability that a call fails instead of being made. Default: 0.
	Errors float64
	// Err is matched by those errors beside [ErrFault]. Default: none.
	Err error
	// Panics is the probability that a call panics instead of being made or failing. Default: 0.
	Panics float64
	// Delays is the probability that a call is late, whatever happens to it then. Default: 0.
	Delays float64
	// MaxDelay is how late it is at most; all delays up to that are equally likely. More than 0. Default: 100 ms.
	MaxDelay time.Duration
}

// Fault behaves as a bad handler would: it fails, panics and is slow at random, to test what is outside of it, such as Retry and
// CircuitBreaker. On the publish side the event that meets an error or a panic is not published.
//
// The same seed makes the same faults for the same sequence of calls. Each chain has a sequence of its own, so what happens in one does not
// depend on the others: the first chain that the value is used in always has the same schedule, the second always has another, and so on.
// With several workers it depends on them which event meets a fault, but not how many do. A delay ends with the context, whose error is then
// returned. nil options make no faults.
func Fault(o *FaultOptions) bus.Middleware {
	var options FaultOptions
	if o != nil {
		options = *o
	}
	made := bus.Middleware{Name: "fault", Phase: bus.PhaseSimulate}
	if made.Err = options.complete(); made.Err != nil {
		return made
	}
	failure := fmt.Errorf("%w: error", ErrFault)
	if options.Err != nil {
		failure = fmt.Errorf("%w: %w", ErrFault, options.Err)
	}
	var chains atomic.Uint64
	made.Wrap = func(next bus.Handler) bus.Handler {
		s := &faultSchedule{options: options, random: rand.New(rand.NewPCG(options.Seed, chains.Add(1)))}
		return func(ctx context.Context, m *bus.Message) error {
			f := s.next()
			if err := f.wait(ctx); err != nil {
				return err
			}
			if f.panics {
				panic(fmt.Errorf("%w: panic", ErrFault))
			}
			if f.fails {
				return failure
			}
			return next(ctx, m)
		}
	}
	return made
}

// complete fills the defaults in.
func (o *FaultOptions) complete() error {
	for _, p := range []struct {
		field string
		value float64
	}{{"Errors", o.Errors}, {"Panics", o.Panics}, {"Delays", o.Delays}} {
		if !(p.value >= 0 && p.value <= 1) { // NaN included
			return &bus.OptionError{Field: "middleware.FaultOptions." + p.field, Value: p.value, Limit: "a probability, 0 to 1"}
		}
	}
	if o.MaxDelay < 0 {
		return &bus.OptionError{Field: "middleware.FaultOptions.MaxDelay", Value: o.MaxDelay, Limit: "more than 0, or 0 for 100ms"}
	}
	if o.MaxDelay == 0 {
		o.MaxDelay = 100 * time.Millisecond
	}
	return nil
}

// fault is what one call meets.
type fault struct {
	fails, panics bool
	delay         time.Duration
}

// faultSchedule is that of one chain.
type faultSchedule struct {
	options FaultOptions

	mu     sync.Mutex
	random *rand.Rand
}

// next draws the numbers of one call: always as many, so that one probability does not change what comes of the others.
func (s *faultSchedule) next() fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := fault{fails: s.random.Float64() < s.options.Errors, panics: s.random.Float64() < s.options.Panics}
	late, share := s.random.Float64() < s.options.Delays, s.random.Float64()
	if late {
		f.delay = time.Duration(share * float64(s.options.MaxDelay))
	}
	return f
}

// wait waits for the delay, if there is one, or until ctx ends.
func (f fault) wait(ctx context.Context) error {
	if f.delay == 0 {
		return nil
	}
	if err := pause(ctx, f.delay); err != nil {
		return fmt.Errorf("%w: delay of %v: %w", ErrFault, f.delay, err)
	}
	return nil
}
