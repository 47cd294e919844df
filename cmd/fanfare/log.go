package main

import (
	"io"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/rs/zerolog"
)

// logger writes readable lines to stderr.
type logger struct{ zerolog.Logger }

// newLogger returns a logger to w; a quiet one tells only of what is wrong.
func newLogger(w io.Writer, quiet bool) logger {
	level := zerolog.InfoLevel
	if quiet {
		level = zerolog.WarnLevel
	}
	console := zerolog.ConsoleWriter{Out: w, NoColor: true, TimeFormat: "15:04:05"}
	return logger{zerolog.New(console).Level(level).With().Timestamp().Logger()}
}

// notice logs a notice of the bus.
func (l logger) notice(n bus.Notice) {
	level := zerolog.InfoLevel
	if _, lost := n.(bus.Gap); lost {
		level = zerolog.WarnLevel
	}
	l.WithLevel(level).Msg(n.String())
}
