package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// answer is the verb "reply".
type answer struct {
	endpoints
	Echo    bool   `help:"Answer each request with its own payload."`
	Command string `placeholder:"CMD" help:"Answer each request with what CMD writes to stdout."`
	Plain   bool   `help:"Answer the requests that come without a name: those of plain ZeroMQ peers, and of \"fanfare req --plain\"."`

	Name *string `arg:"" optional:"" help:"The name of the call to serve. Left out with --plain."`
}

// Help is what "fanfare reply --help" says beyond the lists of arguments and flags.
func (answer) Help() string {
	return fmt.Sprintf(`CMD is run by "sh -c", once for each request, with the payload on stdin and the call's name in the environment as FANFARE_NAME, which
is empty with --plain. What it writes to stdout is the reply, as it is. When it exits with another code than 0, the reply is a failure
with that code and the last line of its stderr; a plain peer gets an empty reply then. Failures are logged on stderr, to which the
stderr of CMD goes as well. CMD is killed, with what it has started, when the client gives up or its time is over. Up to %[1]d run at the
same time, the rest waits for them.

A client of Fanfare that asks again, because a reply is late or a connection was lost, gets the reply of the same run, if that still
runs or was one of the last %[1]d. A plain one is asking for another run.

SIGINT and SIGTERM end it with code 0: it takes no more requests, and finishes those that it has. A second signal ends it at once, and
kills what runs.

Examples:

  fanfare reply --bind tcp://*:5556 --echo ping
  fanfare reply --bind tcp://*:5556 --command 'wc -c' text.length
  fanfare reply --connect tcp://broker:5560 --command 'jq .total' orders.total
  fanfare reply --bind tcp://*:5556 --plain --command 'printf "new message"'`, parallel)
}

// AfterApply checks what the parser does not know.
func (a *answer) AfterApply() error {
	var how error
	if a.Echo == (a.Command != "") {
		how = errors.New("one of --echo and --command is needed: they say what the reply is")
	}
	return cmp.Or(a.endpoints.check(), how, settleName("NAME", a.Plain, &a.Name, nil))
}

// Run answers until ctx ends.
func (a *answer) Run(ctx context.Context, std *stdio) error {
	c, err := callOf(a.Name)
	if err != nil {
		return err
	}
	b, err := open(&zmq.Options{Serve: a.list()}, std.log)
	if err != nil {
		return err
	}
	defer b.Close()
	options := request.ServeOptions{Default: a.Plain}
	handler := echo
	if a.Command != "" {
		handler, options.Workers = a.handler(std), parallel
		if !a.Plain { // they are recognised by what plain requests do not have
			options.Idempotent = request.Idempotent(parallel)
		}
	}
	if a.Plain {
		options.Name = "plain requests"
	}
	server, err := request.Serve(b, c, handler, &options)
	if err != nil {
		return err
	}
	<-ctx.Done()
	err = finish(ctx, b, std.log)
	s := server.Stats()
	std.log.Info().Uint64("requests", s.Requests).Uint64("failed", s.Requests-s.Succeeded).Msg("answered")
	return err
}

// echo answers with the request.
func echo(_ context.Context, payload []byte) ([]byte, error) { return payload, nil }

// handler answers with what the command writes.
func (a *answer) handler(std *stdio) func(context.Context, []byte) ([]byte, error) {
	cmd := &command{text: a.Command, err: std.err}
	if a.Name != nil {
		cmd.name = *a.Name
	}
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		reply, err := cmd.output(ctx, payload)
		switch {
		case err != nil && ctx.Err() != nil:
			std.log.Warn().Err(err).Msg("a request was given up, and the command killed")
		case err != nil:
			std.log.Warn().Err(err).Msg("a request failed")
		}
		return reply, err
	}
}
