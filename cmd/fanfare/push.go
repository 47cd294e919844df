package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// push is the verb "push".
type push struct {
	endpoints
	Plain bool   `help:"Send the payloads alone, without TASK, to plain ZeroMQ PULL peers and to \"fanfare pull --plain\"."`
	Wait  uint32 `placeholder:"N" help:"Wait for N workers before the first task. Default: 0."`
	limit `set:"timeout_help=Exit with code 3 if not everything is done after this time, such as 5s or 1m."`

	Task    *string `arg:"" optional:"" help:"The name of the task. Left out with --plain."`
	Payload *string `arg:"" optional:"" help:"The payload. Without it each line of stdin is a task."`
}

// Help is what "fanfare push --help" says beyond the lists of arguments and flags.
func (push) Help() string {
	return `Each task goes to one worker, as soon as there is one: nothing is lost when nobody is there yet. --wait has several workers take part
from the beginning.

It exits with code 0 when workers have acknowledged every task. A task whose worker is lost is given again at once, one whose worker fails
after 100 ms at first and twice as long each time, to any worker. After 10 failed attempts, which is a minute if all fail at once, or at a
worker's word, a task is given up: it goes to the workers of TASK.dead, if there are any, and the exit code is 1. Tasks are kept in
memory, up to 4096 at a time: more of stdin is read when there is room.

Plain peers acknowledge nothing. So with --plain it exits with code 0 when every task was handed to a peer, and what that peer loses is
lost. Without --plain they get nothing.

After a signal or the timeout nothing more is sent, and what was sent has 2 more seconds to be acknowledged.

Examples:

  fanfare push --bind tcp://*:5557 images.resize '{"url": "https://example.org/a.png"}'
  ls *.png | fanfare push --bind tcp://*:5557 --wait 4 images.resize
  fanfare push --connect tcp://worker:5557 --timeout 1m images.resize a.png
  seq 2000 | fanfare push --bind tcp://*:5557 --plain

Put -- before a payload that begins with a dash.`
}

// AfterApply checks what the parser does not know.
func (p *push) AfterApply() error {
	return cmp.Or(p.endpoints.check(), p.limit.check(), settleName("TASK", p.Plain, &p.Task, &p.Payload))
}

// Run sends the tasks and waits until they are done.
func (p *push) Run(ctx context.Context, std *stdio) error {
	t, err := taskOf(p.Task)
	if err != nil {
		return err
	}
	ctx, cancel := p.start(ctx)
	defer cancel()
	b, err := open(&zmq.Options{Push: p.list()}, std.log)
	if err != nil {
		return err
	}
	defer b.Close()
	producer, err := pipeline.NewProducer(b, t, &pipeline.ProducerOptions{Plain: p.Plain})
	if err != nil {
		return err
	}
	if err := p.await(ctx, producer, std.log); err != nil {
		return err
	}
	err = p.send(ctx, producer, p.payloads(ctx, std))
	err = errors.Join(err, p.settle(ctx, b, producer, std.log))
	s := producer.Stats()
	std.log.Info().Uint64("tasks", s.Sent).Uint64("acknowledged", s.Acknowledged).Uint64("handed", s.Handed).
		Uint64("redelivered", s.Redelivered).Msg("sent")
	return err
}

// await waits for workers.
func (p *push) await(ctx context.Context, producer *pipeline.Producer[[]byte], log logger) error {
	if p.Wait == 0 {
		return nil
	}
	log.Info().Uint32("wanted", p.Wait).Msg("waiting for workers")
	err := producer.WaitWorkers(ctx, int(p.Wait))
	if _, missing := errors.AsType[*bus.NotReadyError](err); missing {
		return fmt.Errorf("%w: nothing was sent: fewer than %d workers are connected", interruption(ctx), p.Wait)
	}
	return err
}

// payloads returns what to send: PAYLOAD, or else the lines of stdin.
func (p *push) payloads(ctx context.Context, std *stdio) iter.Seq2[[]byte, error] {
	if p.Payload != nil {
		return repeat([]byte(*p.Payload), 1)
	}
	std.log.Info().Msg("sending the lines of stdin")
	return lines(ctx, std.in)
}

// send sends the payloads until ctx ends.
func (p *push) send(ctx context.Context, producer *pipeline.Producer[[]byte], payloads iter.Seq2[[]byte, error]) error {
	n := 0
	for payload, err := range payloads {
		if err == nil {
			err = producer.Send(ctx, payload)
		}
		if err != nil {
			return fmt.Errorf("%w: %d tasks were sent", cmp.Or(interruption(ctx), err), n)
		}
		n++
	}
	return nil
}

// settle waits until everything that was sent is done, and ends b. It fails when ctx and the time of grace end first, and when tasks were
// given up.
func (p *push) settle(ctx context.Context, b *bus.Bus, producer *pipeline.Producer[[]byte], log logger) error {
	after, cancel := lingering(ctx)
	defer cancel()
	err := producer.Wait(after)
	if unfinished, ok := errors.AsType[*pipeline.UnfinishedError](err); ok {
		missing := ""
		if producer.WaitWorkers(ctx, 1) != nil {
			missing = "; no worker for them is connected"
		}
		return fmt.Errorf("%w: %d tasks are not done%s", interruption(ctx), unfinished.Left, missing)
	}
	lost, ok := errors.AsType[*pipeline.DeadLetterError](err)
	if !ok {
		return errors.Join(err, flush(ctx, b, log))
	}
	err = fmt.Errorf("%d tasks were given up, the first because: %s", lost.N, lost.Reason)
	short, cancel := context.WithTimeout(after, grace) // for workers of the dead letters
	defer cancel()
	if shutdown(short, b, log) != nil {
		err = fmt.Errorf("%w; nobody has handled all of them as %s.dead", err, lost.Task)
	}
	return err
}
