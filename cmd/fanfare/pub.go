package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// publish is the verb "pub".
type publish struct {
	endpoints
	Plain    bool          `help:"Send [topic, payload], which every ZeroMQ program understands, without Fanfare's envelope."`
	Header   []header      `short:"H" placeholder:"NAME=VALUE" sep:"none" help:"Give each event a header. Repeatable."`
	Wait     *uint32       `placeholder:"N" help:"Wait for N subscribers of the topic before the first event. Default: one for each --connect."`
	Count    *uint64       `placeholder:"N" help:"Publish PAYLOAD N times. Default: 1."`
	Interval time.Duration `placeholder:"DURATION" help:"Pause this long, such as 500ms, between one event and the next."`
	limit    `set:"timeout_help=Exit with code 3 if not everything is published and flushed after this time, such as 5s or 1m."`

	Topic   string  `arg:"" help:"The topic: segments of any text, separated by dots."`
	Payload *string `arg:"" optional:"" help:"The payload. Without it each line of stdin is an event."`
}

// Help is what "fanfare pub --help" says beyond the lists of arguments and flags.
func (publish) Help() string {
	return `An event that nobody is subscribed to is gone. So with --connect, which says that somebody is there, the first event waits
until each of those endpoints has a subscriber of the topic; --wait says for how many to wait instead, and --wait 0 waits for nobody.
With --bind alone nobody is waited for unless --wait asks for it.

It exits when every event is with every subscriber: Fanfare peers have confirmed it, plain ones have closed the connection after
everything was written. A subscriber that leaves before is reported on stderr, and is no failure. What a subscriber has not taken yet
waits in memory. After a signal or the timeout nothing more is published, and what was published has 2 more seconds to get away.

Examples:

  fanfare pub --connect tcp://localhost:5555 greetings 'hello, world'
  fanfare pub --bind tcp://*:5555 --wait 2 -H region=eu -H shop=7 orders.created '{"id": 1}'
  fanfare pub --bind tcp://*:5555 --wait 1 --count 10 --interval 1s clock tick
  fanfare pub --connect tcp://localhost:5555 --plain --timeout 10s client2 'message for client2'
  tail -f app.log | fanfare pub --bind tcp://*:5555 logs.app

Put -- before a payload that begins with a dash.`
}

// AfterApply checks what the parser does not know.
func (p *publish) AfterApply() error {
	switch {
	case p.Count != nil && p.Payload == nil:
		return errors.New("--count repeats PAYLOAD, but there is none: events come from stdin")
	case p.Count != nil && *p.Count == 0:
		return errors.New("--count is 0, it must be 1 or more")
	case p.Interval < 0:
		return fmt.Errorf("--interval is %v, it must be positive, or 0 for no pause", p.Interval)
	case p.Plain && len(p.Header) > 0:
		return errors.New("--header does not go with --plain: plain messages have no headers")
	}
	return cmp.Or(p.endpoints.check(), p.limit.check())
}

// Run publishes.
func (p *publish) Run(ctx context.Context, std *stdio) error {
	t, err := topic.Parse[[]byte](p.Topic)
	if err != nil {
		return &usageError{err}
	}
	attributes, err := attributesOf(ctx, p.Header)
	if err != nil {
		return &usageError{err}
	}
	ctx, cancel := p.start(ctx)
	defer cancel()
	b, err := open(&zmq.Options{Publish: p.list(), Plain: p.Plain, SendHWM: -1}, std.log)
	if err != nil {
		return err
	}
	defer b.Close()
	pub, err := publisher.New(b, t.WithCodec(codec.Raw), nil)
	if err != nil {
		return err
	}
	if err := p.await(ctx, pub, std.log); err != nil {
		return err
	}
	n, err := p.publishAll(ctx, pub, p.payloads(ctx, std), attributes)
	err = errors.Join(err, flush(ctx, b, std.log))
	summarize(p.Topic, n, b.Stats(), std.log)
	return err
}

// await waits for subscribers.
func (p *publish) await(ctx context.Context, pub *publisher.Publisher[[]byte], log logger) error {
	wanted := len(p.Connect)
	if p.Wait != nil {
		wanted = int(*p.Wait)
	}
	if wanted == 0 {
		return nil
	}
	log.Info().Int("wanted", wanted).Msg("waiting for subscribers")
	err := pub.WaitSubscribers(ctx, wanted)
	if missing, ok := errors.AsType[*bus.NotReadyError](err); ok {
		return fmt.Errorf("%w: nothing was published: %s", interruption(ctx), strings.Join(missing.Missing, "; "))
	}
	return err
}

// payloads returns what to publish: PAYLOAD, or else the lines of stdin.
func (p *publish) payloads(ctx context.Context, std *stdio) iter.Seq2[[]byte, error] {
	switch {
	case p.Payload == nil:
		std.log.Info().Msg("publishing the lines of stdin")
		return lines(ctx, std.in)
	case p.Count == nil:
		return repeat([]byte(*p.Payload), 1)
	default:
		return repeat([]byte(*p.Payload), *p.Count)
	}
}

// publishAll publishes the payloads until ctx ends. It returns how many it has published.
func (p *publish) publishAll(ctx context.Context, pub *publisher.Publisher[[]byte], payloads iter.Seq2[[]byte, error], attributes []publisher.Attribute) (n uint64, err error) {
	pace := newPace(p.Interval)
	defer pace.stop()
	for payload, err := range payloads {
		if err == nil {
			err = pace.next(ctx)
		}
		if err == nil {
			err = pub.Publish(ctx, payload, attributes...)
		}
		if err != nil {
			return n, fmt.Errorf("%w: %d events were published", err, n)
		}
		n++
	}
	return n, nil
}
