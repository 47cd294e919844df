package middleware

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// ThrottleError says that the context of a throttled call ended, or would have, before its turn. It was not made. One that did not wait takes
// nothing from the rate; one that did gives its turn back, unless others wait behind it: they keep theirs. It matches
// context.DeadlineExceeded or context.Canceled.
type ThrottleError struct {
	Topic string
	Wait  time.Duration // how long a call that came then would have waited
	Err   error         // context.DeadlineExceeded if the deadline was too near, else the error of the context
}

// Error names the topic and how long the wait is.
func (e *ThrottleError) Error() string {
	return fmt.Sprintf("middleware: event on %q throttled, the next turn is in %v: %v", e.Topic, e.Wait, e.Err)
}

// Unwrap returns the error of the context.
func (e *ThrottleError) Unwrap() error { return e.Err }

// Throttle makes at most perSecond calls a second, and burst at once after a pause: more wait for their turn, in order, until their context
// ends. It is for handlers that use something which takes only so many calls, and on the publish side for publishers that would flood
// others. A call whose deadline comes before its turn fails at once, with a [*ThrottleError].
//
// All chains that the value is used in share the rate. Each attempt of Retry counts. perSecond is more than 0, and may be a fraction; burst
// is 1 or more.
func Throttle(perSecond float64, burst int) bus.Middleware {
	made := bus.Middleware{Name: "throttle", Phase: bus.PhaseProtect}
	if made.Err = checkRate("middleware.Throttle", perSecond, burst); made.Err != nil {
		return made
	}
	limiter := rate.NewLimiter(rate.Limit(perSecond), burst)
	made.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if err := throttle(ctx, limiter, m); err != nil {
				return err
			}
			return next(ctx, m)
		}
	}
	return made
}

// checkRate checks what a constructor was called with.
func checkRate(constructor string, perSecond float64, burst int) error {
	if !(perSecond > 0 && perSecond < math.MaxFloat64) { // NaN included; package rate takes the largest number for no limit
		return &bus.OptionError{Field: constructor + " perSecond", Value: perSecond, Limit: "more than 0, and finite"}
	}
	if burst < 1 {
		return &bus.OptionError{Field: constructor + " burst", Value: burst, Limit: "1 or more"}
	}
	return nil
}

// throttle waits until it is the message's turn.
func throttle(ctx context.Context, limiter *rate.Limiter, m *bus.Message) error {
	if limiter.Wait(ctx) == nil {
		return nil
	}
	err := ctx.Err()
	if err == nil { // its turn is after the deadline
		err = context.DeadlineExceeded
	}
	seconds := (1 - limiter.Tokens()) / float64(limiter.Limit())
	wait := time.Duration(min(max(0, seconds*float64(time.Second)), math.MaxInt64/2))
	return &ThrottleError{Topic: m.Topic(), Wait: wait, Err: err}
}

// ThrottleOptions are how a [ThrottleByKey] works.
type ThrottleOptions struct {
	// Key returns what events are told apart by. It may be called concurrently. Those with the key "" share a rate like those of any other
	// key. Default: the event's key, [bus.Message.Key].
	Key func(m *bus.Message) string
	// Keys is how many keys are remembered, at most, 1 to 16,777,216; one takes about 230 bytes. Then the one that was used least recently
	// is forgotten: its next event finds a full burst, beside events that still wait. Default: 65,536.
	Keys int
}

// ThrottleByKey is [Throttle] for each key by itself: no customer waits because of another, as long as workers are free. It has the rate
// perSecond and the burst for each.
//
// All chains that the value is used in share the rates. nil options mean the defaults.
func ThrottleByKey(perSecond float64, burst int, o *ThrottleOptions) bus.Middleware {
	var options ThrottleOptions
	if o != nil {
		options = *o
	}
	made := bus.Middleware{Name: "throttle by key", Phase: bus.PhaseProtect}
	if made.Err = checkRate("middleware.ThrottleByKey", perSecond, burst); made.Err != nil {
		return made
	}
	if options.Keys == 0 {
		options.Keys = 65536
	}
	if options.Keys < 0 || options.Keys > 1<<24 {
		made.Err = &bus.OptionError{Field: "middleware.ThrottleOptions.Keys", Value: options.Keys, Limit: "1 to 16777216, or 0 for 65536"}
		return made
	}
	if options.Key == nil {
		options.Key = (*bus.Message).Key
	}
	l := &limiters{perSecond: rate.Limit(perSecond), burst: burst}
	l.recent, made.Err = simplelru.NewLRU[string, *rate.Limiter](options.Keys, nil)
	made.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if err := throttle(ctx, l.of(options.Key(m)), m); err != nil {
				return err
			}
			return next(ctx, m)
		}
	}
	return made
}

// limiters are those of the keys that were used last.
type limiters struct {
	perSecond rate.Limit
	burst     int

	mu     sync.Mutex
	recent *simplelru.LRU[string, *rate.Limiter]
}

// of returns the limiter of a key.
func (l *limiters) of(key string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, known := l.recent.Get(key)
	if !known {
		limiter = rate.NewLimiter(l.perSecond, l.burst)
		l.recent.Add(strings.Clone(key), limiter) // the key may be a part of all headers of its event
	}
	return limiter
}
