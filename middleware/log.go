package middleware

import (
	"context"
	"errors"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/rs/zerolog"
)

// LogOptions configure [Log].
type LogOptions struct {
	// Sampler chooses the events without an error that get a line, such as &zerolog.BasicSampler{N: 100} for one of a hundred. All chains that
	// the middleware is used in share it. Default: that of the logger, if it has one, else all.
	Sampler zerolog.Sampler
	// ErrorSampler does the same for errors. Default: all, also if the logger has a sampler.
	ErrorSampler zerolog.Sampler
}

// Log writes a line for each message that has passed: "event passed" at level debug when it succeeded, "event filtered" at level debug for
// [bus.ErrFiltered], "event failed" at level error, with the error, and "event set aside" for one that has become a dead letter. nil options mean the
// defaults.
//
// Fields: role (of the chain: publisher, subscriber, and so on), topic, seq (0 when a publish failed before the bus numbered the event), took, and
// attempt, how many were made, when there was more than one. A line that the level of the logger leaves out costs no allocation.
//
// The bus logs errors that leave the whole chain as well. The phase is [bus.PhaseObserve]: outside of Retry, so that an event has one line.
func Log(log zerolog.Logger, o *LogOptions) bus.Middleware {
	var options LogOptions
	if o != nil {
		options = *o
	}
	failed := log.Sample(options.ErrorSampler)
	if options.Sampler != nil {
		log = log.Sample(options.Sampler)
	}
	return bus.Middleware{Name: "log", Phase: bus.PhaseObserve, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			begin := time.Now()
			err := next(ctx, m)
			switch {
			case err == nil && m.Aside() != nil:
				write(failed.Error().Err(m.Aside()), m, begin, "event set aside")
			case err == nil:
				write(log.Debug(), m, begin, "event passed")
			case errors.Is(err, bus.ErrFiltered):
				write(log.Debug(), m, begin, "event filtered")
			default:
				write(failed.Error().Err(err), m, begin, "event failed")
			}
			return err
		}
	}}
}

// write ends a line. line is nil for one that is left out.
func write(line *zerolog.Event, m *bus.Message, begin time.Time, text string) {
	if line == nil {
		return
	}
	line.Str("role", m.Party().Role.String()).Str("topic", m.Topic()).Uint64("seq", m.Seq()).Dur("took", time.Since(begin))
	if n := m.Attempt(); n > 1 {
		line.Int("attempt", n)
	}
	line.Msg(text)
}
