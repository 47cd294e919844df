package middleware

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/sony/gobreaker/v2"
)

// ErrOpen is matched by the errors of a [CircuitBreaker] that has not let a call through. They match gobreaker.ErrOpenState as well, or
// gobreaker.ErrTooManyRequests when the trial calls are under way.
var ErrOpen = errors.New("middleware: call not let through")

// CircuitBreakerOptions are how a [CircuitBreaker] works.
type CircuitBreakerOptions struct {
	// Name is part of its errors. Default: none.
	Name string
	// Failures is how many calls in a row have to fail for it to open, 1 to 2,147,483,647. Default: 5.
	Failures int
	// Open is how long it lets nothing through, more than 0. Default: 30 s.
	Open time.Duration
	// HalfOpen is how many trial calls it lets through after that, 1 to 2,147,483,647. When so many have succeeded it closes, and when one
	// fails it opens again. Default: 1.
	HalfOpen int
	// Failure reports whether an error counts as a failure. Other errors count as successes. It may be called concurrently. It is never asked
	// about [bus.ErrFiltered], and what a call returns after its context was cancelled: those calls count as nothing; nor about the
	// [*bus.InlineError] of an event that was published: that counts as a success. Default: every error.
	Failure func(err error) bool
	// OnChange is told of changes, one after the other and in their order, in a goroutine that makes a call. No lock is held: it may publish.
	// Default: nobody is told.
	OnChange func(from, to CircuitState)
}

// CircuitState is the state of a [CircuitBreaker].
type CircuitState uint8

const (
	// CircuitClosed lets all calls through.
	CircuitClosed CircuitState = iota
	// CircuitHalfOpen lets trial calls through.
	CircuitHalfOpen
	// CircuitOpen lets nothing through.
	CircuitOpen
)

// String returns the name of the state.
func (s CircuitState) String() string {
	switch s {
	case CircuitClosed:
		return "closed"
	case CircuitHalfOpen:
		return "half-open"
	case CircuitOpen:
		return "open"
	}
	return fmt.Sprintf("unknown state %d", uint8(s))
}

// CircuitBreaker spares what has failed several times in a row: for a while nothing is called, and every event fails at once with an error
// that matches [ErrOpen]. It is for handlers that need something which may be down as a whole, such as a database, and that would be slow
// to find out. It stands inside of Retry, which may try again when the circuit breaker lets calls through.
//
// All chains that the value is used in have one circuit breaker together. A panic, and a handler that ends its goroutine, count as failures.
// On the publish side it protects what publishes from a transport that fails.
func CircuitBreaker(o *CircuitBreakerOptions) bus.Middleware {
	var options CircuitBreakerOptions
	if o != nil {
		options = *o
	}
	made := bus.Middleware{Name: "circuit breaker", Phase: bus.PhaseProtect}
	if made.Err = options.complete(); made.Err == nil {
		made.Wrap = newBreaker(&options).wrap
	}
	return made
}

// complete fills the defaults in.
func (o *CircuitBreakerOptions) complete() error {
	switch {
	case o.Failures < 0 || o.Failures > math.MaxInt32:
		return &bus.OptionError{Field: "middleware.CircuitBreakerOptions.Failures", Value: o.Failures, Limit: "1 to 2147483647, or 0 for 5"}
	case o.Open < 0:
		return &bus.OptionError{Field: "middleware.CircuitBreakerOptions.Open", Value: o.Open, Limit: "more than 0, or 0 for 30s"}
	case o.HalfOpen < 0 || o.HalfOpen > math.MaxInt32:
		return &bus.OptionError{Field: "middleware.CircuitBreakerOptions.HalfOpen", Value: o.HalfOpen, Limit: "1 to 2147483647, or 0 for 1"}
	}
	if o.Failures == 0 {
		o.Failures = 5
	}
	if o.Open == 0 {
		o.Open = 30 * time.Second
	}
	if o.HalfOpen == 0 {
		o.HalfOpen = 1
	}
	if o.Failure == nil {
		o.Failure = func(error) bool { return true }
	}
	return nil
}

// breaker is the circuit breaker of all chains of one value.
type breaker struct {
	options CircuitBreakerOptions
	circuit *gobreaker.TwoStepCircuitBreaker[struct{}]
	refused map[error]error // what is returned, by what gobreaker says

	mu      sync.Mutex
	changes []circuitChange // to tell of
	telling bool
}

type circuitChange struct{ from, to CircuitState }

// circuitStates are those of gobreaker.
var circuitStates = [...]CircuitState{
	gobreaker.StateClosed: CircuitClosed, gobreaker.StateHalfOpen: CircuitHalfOpen, gobreaker.StateOpen: CircuitOpen,
}

// What gobreaker is told of calls that have not simply succeeded. The errors themselves are judged before, as it holds its lock meanwhile.
var (
	errFailure  = errors.New("failure")
	errNoResult = errors.New("no result")
)

func newBreaker(o *CircuitBreakerOptions) *breaker {
	b := &breaker{options: *o, refused: map[error]error{}}
	open := ErrOpen
	if o.Name != "" {
		open = fmt.Errorf("%w: %s", ErrOpen, o.Name)
	}
	b.refused[gobreaker.ErrOpenState] = fmt.Errorf("%w: %w", open, gobreaker.ErrOpenState)
	b.refused[gobreaker.ErrTooManyRequests] = fmt.Errorf("%w: trial calls are under way: %w", open, gobreaker.ErrTooManyRequests)
	settings := gobreaker.Settings{
		MaxRequests: uint32(o.HalfOpen),
		Timeout:     o.Open,
		ReadyToTrip: func(c gobreaker.Counts) bool { return uint64(c.ConsecutiveFailures) >= uint64(o.Failures) },
		IsExcluded:  func(err error) bool { return err == errNoResult },
	}
	if o.OnChange != nil {
		settings.OnStateChange = b.note
	}
	b.circuit = gobreaker.NewTwoStepCircuitBreaker[struct{}](settings)
	return b
}

func (b *breaker) wrap(next bus.Handler) bus.Handler {
	return func(ctx context.Context, m *bus.Message) error {
		done, err := b.circuit.Allow()
		if err != nil {
			b.tell()
			return b.refused[err]
		}
		result := errFailure // of a panic, and of runtime.Goexit
		defer func() {
			done(result)
			b.tell()
		}()
		b.tell()
		err = next(ctx, m)
		result = b.result(ctx, m, err)
		return err
	}
}

// result returns what err means to gobreaker.
func (b *breaker) result(ctx context.Context, m *bus.Message, err error) error {
	switch {
	case err == nil || delivered(m, err):
		return nil
	case errors.Is(err, bus.ErrFiltered) || errors.Is(ctx.Err(), context.Canceled):
		return errNoResult
	case b.options.Failure(err):
		return errFailure
	}
	return nil
}

// note remembers a change. gobreaker holds its lock.
func (b *breaker) note(_ string, from, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes = append(b.changes, circuitChange{circuitStates[from], circuitStates[to]})
}

// tell tells of the changes, unless another call is at it, which then tells of these as well.
func (b *breaker) tell() {
	if b.options.OnChange == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.telling {
		return
	}
	b.telling = true
	defer func() { b.telling = false }()
	for len(b.changes) > 0 {
		change := b.changes[0]
		b.changes = b.changes[1:]
		b.tellOf(change)
	}
}

// tellOf unlocks b while it tells of one change.
func (b *breaker) tellOf(c circuitChange) {
	b.mu.Unlock()
	defer b.mu.Lock()
	b.options.OnChange(c.from, c.to)
}
