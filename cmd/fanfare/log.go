package main

import (
	"errors"
	"io"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/socket"
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
	switch n := n.(type) {
	case bus.Gap:
		level = zerolog.WarnLevel
	case bus.PeerDown:
		if errors.Is(n.Err, socket.ErrClosed) { // we have closed it
			return
		}
	}
	l.WithLevel(level).Msg(n.String())
}
