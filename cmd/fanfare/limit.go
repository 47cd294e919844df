package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// grace is how long the end of the work may take after a signal or the timeout: to print what was received, to flush what was
// published.
const grace = 2 * time.Second

// limit is the time that a verb has.
type limit struct {
	Timeout time.Duration `placeholder:"DURATION" help:"${timeout_help}"`
}

// check refuses negative times.
func (l *limit) check() error {
	if l.Timeout < 0 {
		return fmt.Errorf("--timeout is %v, it must be positive, or 0 for no limit", l.Timeout)
	}
	return nil
}

// start returns a context that ends with ctx or after the timeout. Then interruption tells which of the two it was.
func (l *limit) start(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, l.Timeout, &timeoutError{l.Timeout})
}

// interruption returns why ctx, made by limit.start, has ended: a *timeoutError, or else errInterrupted. It returns nil while
// ctx has not ended.
func interruption(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause == nil {
		return nil
	}
	if timeout, ok := errors.AsType[*timeoutError](cause); ok {
		return timeout
	}
	return errInterrupted
}

// shortfall returns an error that says what is missing, if ctx was ended by the timeout when there were fewer than were wanted.
func shortfall(ctx context.Context, have, wanted uint64, what string, missing ...string) error {
	timeout, ok := errors.AsType[*timeoutError](interruption(ctx))
	if !ok || have >= wanted {
		return nil
	}
	missing = append([]string{fmt.Sprintf("%d of %d %s", have, wanted, what)}, missing...)
	return fmt.Errorf("%w: %s", timeout, strings.Join(missing, "; "))
}

// lingering returns a context that ends the time of grace after ctx: for the end of the work.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	after, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(interruption(ctx))
		case <-after.Done():
		}
	})
	return after, func() {
		stop()
		cancel(nil)
	}
}
