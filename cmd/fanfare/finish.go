package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/fanfare-go/fanfare/bus"
)

// finish ends b, after a signal, when what runs on it is done. That may take as long as it likes, until the next signal.
func finish(b *bus.Bus, log logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.Info().Msg("finishing what runs; another signal ends it at once")
	err := shutdown(ctx, b, log)
	<-b.Done() // after the last command, which may have been killed
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errInterrupted, err)
	}
	return err
}
