package middleware

import (
	"context"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/rs/zerolog"
)

// Log writes a line for each message that has passed: at level debug when it succeeded, at level error, with the error, when it
// failed. Fields: topic, seq (0 when a publish failed before the bus numbered the event), took.
//
// The bus logs errors that leave the whole chain as well.
func Log(log zerolog.Logger) bus.Middleware {
	return bus.Wrap("log", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			begin := time.Now()
			err := next(ctx, m)
			entry, text := log.Debug(), "event passed"
			if err != nil {
				entry, text = log.Error().Err(err), "event failed"
			}
			entry.Str("topic", m.Topic()).Uint64("seq", m.Seq()).Dur("took", time.Since(begin)).Msg(text)
			return err
		}
	})
}
