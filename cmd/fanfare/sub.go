package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// subscribe is the verb "sub".
type subscribe struct {
	endpoints
	Prefix []string `placeholder:"P" sep:"none" help:"Print only events whose topic begins with P; of messages without a topic, those that begin with P themselves. Repeatable. Default: everything."`
	Count  uint64   `placeholder:"N" help:"Exit with code 0 after N events."`
	limit  `set:"timeout_help=Exit after this time, such as 500ms or 1m: with code 3 if --count events have not come by then, else with code 0."`
	Raw    bool `help:"Print only the payload of each event, and a newline."`
}

// Help is what "fanfare sub --help" says beyond the list of flags.
func (subscribe) Help() string {
	return `Each event becomes one JSON object on a line of its own:

  {"topic":"orders.created","id":"0b94…","source":"7c1e…","seq":17,
   "time":"2026-03-01T12:00:00.123Z","key":"ada","headers":{"region":"eu"},"payload":"…"}

A payload that is not UTF-8 is in "payload_base64" instead of "payload"; one that came in several frames is joined. "key" and
"headers" are absent when there are none. Plain ZeroMQ peers send a topic and a payload and nothing else: "id", "source", "seq" and
"time" are absent then. The topic of a message that is a single frame is the prefix that it begins with.

An event is printed once, however many prefixes it matches. The events of a topic are printed in their order; with several prefixes,
those of different topics may change places. Events that were lost on the way are reported on stderr.

SIGINT and SIGTERM end it with code 0, after everything received has been printed. A second signal ends it at once.

Examples:

  fanfare sub --connect tcp://localhost:5555
  fanfare sub --connect tcp://a:5555 --connect tcp://b:5555 --prefix orders. --prefix stock.
  fanfare sub --bind tcp://*:5555 --raw | jq .total
  fanfare sub --connect tcp://localhost:5555 --count 1 --timeout 5s || echo nothing came`
}

// AfterApply checks what the parser does not know.
func (s *subscribe) AfterApply() error { return cmp.Or(s.endpoints.check(), s.limit.check()) }

// Run prints what arrives.
func (s *subscribe) Run(ctx context.Context, std *stdio) error {
	selectors, err := prefixes(s.Prefix).selectors()
	if err != nil {
		return err
	}
	ctx, cancel := s.start(ctx)
	defer cancel()
	b, err := open(&zmq.Options{Subscribe: s.list()}, std.log)
	if err != nil {
		return err
	}
	return s.print(ctx, b, selectors, std.out)
}

// print prints what the selectors select on b until there was enough of it or ctx ends, and closes b.
func (s *subscribe) print(ctx context.Context, b *bus.Bus, selectors []topic.Prefix[[]byte], out io.Writer) error {
	defer b.Close()
	as := asJSON
	if s.Raw {
		as = asPayload
	}
	p := newPrinter(out, as, s.Count)
	var sub *subscriber.Subscription
	for _, selector := range selectors {
		var err error
		// A slow stdout holds up the publishers. What they cannot keep for us they drop, and the next event shows it as a gap.
		if sub, err = subscriber.New(b, selector, p.handle, &subscriber.Options{Overflow: bus.Block}); err != nil {
			return errors.Join(err, p.finish(ctx))
		}
	}
	select {
	case <-p.ended:
		return unlessGone(p.err)
	case <-ctx.Done():
	}
	var missing []string // what kept the subscription from being in force
	if unready, ok := errors.AsType[*bus.NotReadyError](sub.Ready(ctx)); ok {
		missing = unready.Missing
	}
	if err := drain(ctx, b, p); err != nil {
		return err
	}
	return shortfall(ctx, p.printed.Load(), s.Count, "events", missing...)
}

// drain prints what has been received when ctx ends.
func drain(ctx context.Context, b *bus.Bus, p *printer) error {
	ctx, cancel := lingering(ctx)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		return err
	}
	return unlessGone(p.finish(ctx))
}

// unlessGone returns err unless it says that the reader of the output has gone away, which is a way to say that it has enough.
func unlessGone(err error) error {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
