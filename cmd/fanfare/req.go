package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// maxAttempts is that of request.Options.
const maxAttempts = 1000

// ask is the verb "req".
type ask struct {
	endpoints
	Timeout  time.Duration `placeholder:"DURATION" default:"5s" help:"Exit with code 3 if there is no reply after this time, all attempts together. 0 is no limit. Default: 5s."`
	Attempts int           `placeholder:"N" default:"3" help:"Send the request N times at most. Default: 3."`
	Plain    bool          `help:"Send the payload alone, without NAME, also to Fanfare peers: they give it to who answers plain requests."`

	Name    *string `arg:"" optional:"" help:"The name of the call. Left out with --plain."`
	Payload *string `arg:"" optional:"" help:"The payload. Without it all of stdin is the payload, as it is."`
}

// Help is what "fanfare req --help" says beyond the lists of arguments and flags.
func (ask) Help() string {
	return `It prints the payload of the reply as it is, but gives text that does not end in a newline one. The exit code is 1, and stderr has
message and code, when the server answers with a failure, and 3 when no reply came in time: then stderr tells which endpoints are not
connected.

A request is sent again, to another server if there is one, when its connection is lost or its part of the time is over; so it may be
handled more than once. --attempts 1 rules that out. Servers need not be there yet. Those that connect to a --bind of this side are
asked as well.

A plain ZeroMQ REP or ROUTER gets the payload alone in any case, and NAME does not matter to it.

Examples:

  fanfare req --connect tcp://localhost:5556 billing.quote '{"customer": 7}'
  fanfare req --connect tcp://a:5556 --connect tcp://b:5556 --timeout 500ms --attempts 2 billing.quote '{"customer": 7}'
  fanfare req --connect tcp://localhost:5556 images.resize <large.png >small.png
  fanfare req --connect tcp://localhost:5556 --plain 'A message'

Put -- before a payload that begins with a dash.`
}

// AfterApply checks what the parser does not know.
func (a *ask) AfterApply() error {
	if a.Attempts < 1 || a.Attempts > maxAttempts {
		return fmt.Errorf("--attempts is %d, it must be 1 to %d", a.Attempts, maxAttempts)
	}
	return cmp.Or(a.endpoints.check(), (&limit{a.Timeout}).check(), settleName("NAME", a.Plain, &a.Name, &a.Payload))
}

// Run asks.
func (a *ask) Run(ctx context.Context, std *stdio) error {
	c, err := callOf(a.Name)
	if err != nil {
		return err
	}
	b, err := open(&zmq.Options{Request: a.list()}, std.log)
	if err != nil {
		return err
	}
	defer b.Close()
	payload, err := a.payload(ctx, std)
	if err != nil {
		return err
	}
	reply, err := a.do(ctx, b, c, payload)
	if err != nil {
		return explain(ctx, err)
	}
	return printReply(std.out, reply)
}

// payload returns PAYLOAD, or else all of stdin.
func (a *ask) payload(ctx context.Context, std *stdio) ([]byte, error) {
	if a.Payload != nil {
		return []byte(*a.Payload), nil
	}
	std.log.Info().Msg("asking with what stdin has")
	return whole(ctx, std.in)
}

// do returns the reply.
func (a *ask) do(ctx context.Context, b *bus.Bus, c call, payload []byte) ([]byte, error) {
	const unlimited = -time.Nanosecond
	client, err := request.NewClient(b, c, &request.Options{Timeout: cmp.Or(a.Timeout, unlimited), Attempts: a.Attempts, Plain: a.Plain})
	if err != nil {
		return nil, err
	}
	return client.Do(ctx, payload)
}

// printReply prints a reply. Text ends its line, and what is not text has none.
func printReply(w io.Writer, reply []byte) error {
	if utf8.Valid(reply) && !bytes.HasSuffix(reply, []byte("\n")) {
		reply = append(reply, '\n')
	}
	_, err := w.Write(reply)
	return unlessGone(err)
}
