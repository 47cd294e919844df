package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// pull is the verb "pull".
type pull struct {
	endpoints
	Plain bool   `help:"Take the tasks that come without a name: those of plain ZeroMQ PUSH peers, and of \"fanfare push --plain\"."`
	Count uint64 `placeholder:"N" help:"Exit with code 0 after N tasks were done."`
	limit `set:"timeout_help=Exit after this time, such as 500ms or 1m: with code 3 if --count tasks are not done by then, else with code 0."`
	Exec  *string `placeholder:"CMD" help:"Run CMD for each task instead of printing it."`

	Task *string `arg:"" optional:"" help:"The name of the task. Left out with --plain."`
}

// Help is what "fanfare pull --help" says beyond the lists of arguments and flags.
func (pull) Help() string {
	return `Each task becomes one JSON object on a line of its own, and is acknowledged when the line is written:

  {"task":"images.resize","attempt":2,"id":"0b94…","source":"7c1e…","seq":17,
   "time":"2026-03-01T12:00:00.123Z","headers":{"region":"eu"},"payload":"…"}

"attempt" is there from the second one on, "headers" if there are any. A payload that is not UTF-8 is in "payload_base64" instead of
"payload". Tasks of plain peers have nothing but a payload.

With --exec, CMD is run by "sh -c", for one task after the other, with the payload on stdin and the task's name in the environment as
FANFARE_NAME, which is empty with --plain. Its stdout and stderr are those of this program. The task is acknowledged when CMD exits with
code 0. Otherwise it is given again later, to any worker, and the reason is logged on stderr; after 10 attempts the producer gives it up.
To do more at the same time, run this program more than once.

Plain peers hear of nothing: a task of theirs is not given again when CMD fails, and what they have sent beyond --count is lost.

SIGINT and SIGTERM end it with code 0: it finishes the task that it has begun, and gives back the others. A second signal ends it at once,
and kills CMD; the task goes to another worker.

Examples:

  fanfare pull --connect tcp://localhost:5557 images.resize
  fanfare pull --connect tcp://a:5557 --connect tcp://b:5557 --exec ./resize.sh images.resize
  fanfare pull --bind tcp://*:5558 --count 2000 --timeout 1m results | jq -r .payload
  fanfare pull --connect tcp://localhost:5557 --plain`
}

// AfterApply checks what the parser does not know.
func (p *pull) AfterApply() error {
	var empty error
	if p.Exec != nil && *p.Exec == "" { // as of an unset variable: it would print and acknowledge what CMD should do
		empty = errors.New("--exec is empty: it needs a command")
	}
	return cmp.Or(p.endpoints.check(), p.limit.check(), empty, settleName("TASK", p.Plain, &p.Task, nil))
}

// Run does tasks until there were enough of them or ctx ends.
func (p *pull) Run(ctx context.Context, std *stdio) error {
	t, err := taskOf(p.Task)
	if err != nil {
		return err
	}
	ctx, cancel := p.start(ctx)
	defer cancel()
	b, err := open(&zmq.Options{Pull: p.list()}, std.log)
	if err != nil {
		return err
	}
	defer b.Close()
	options := pipeline.Options{Default: p.Plain}
	if p.Plain {
		options.Name = "plain tasks"
	}
	if p.Exec != nil {
		options.Prefetch = 1 // who is free takes the next task
	}
	w, err := startWork(b, t, p.doing(std), p.Count, &options)
	if err != nil {
		return err
	}
	var missing []string
	select {
	case <-w.ended:
		err = cmp.Or(unlessGone(w.err), flush(ctx, b, std.log))
	case <-ctx.Done():
		if w.worker.WaitProducers(ctx, 1) != nil {
			missing = append(missing, "no producer is connected")
		}
		err = finish(ctx, b, std.log)
	}
	done, dropped := w.done.Load(), w.dropped.Load()
	if dropped > 0 {
		std.log.Warn().Uint64("tasks", dropped).Msg("lost: plain peers had sent more than --count")
	}
	std.log.Info().Uint64("tasks", done).Msg("done")
	return cmp.Or(err, shortfall(ctx, done, p.Count, "tasks", missing...))
}

// doing returns what is done with a task.
func (p *pull) doing(std *stdio) doing {
	if p.Exec == nil {
		return printing(std.out)
	}
	cmd := &command{text: *p.Exec, err: std.err}
	if p.Task != nil {
		cmd.name = *p.Task
	}
	return func(ctx context.Context, payload []byte) error { return cmd.run(ctx, payload, std.out) }
}
