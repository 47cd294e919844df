package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/fanfare-go/fanfare/bus"
)

// finish ends b, after the end of ctx, when what runs on it is done. That may take as long as it likes, until the next signal; but after the
// timeout it has the time of grace.
func finish(ctx context.Context, b *bus.Bus, log logger) error {
	after, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	why := interruption(ctx)
	if errors.Is(why, errInterrupted) {
		log.Info().Msg("finishing what runs; another signal ends it at once")
	} else {
		var cancel context.CancelFunc
		after, cancel = context.WithTimeout(after, grace)
		defer cancel()
	}
	err := shutdown(after, b, log)
	last, cancel := lingering(after)
	defer cancel()
	select {
	case <-b.Done(): // after the last command, which may have been killed
	case <-last.Done(): // nothing ends a write that stdout holds up
	}
	if err != nil && after.Err() != nil {
		return fmt.Errorf("%w: %w", why, err)
	}
	return err
}
