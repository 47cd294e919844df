package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// cli is the command line. Each verb has a file of its own, with a Run method that does its work.
type cli struct {
	Sub   subscribe `cmd:"" help:"Print the events that arrive."`
	Pub   publish   `cmd:"" help:"Publish events."`
	Req   ask       `cmd:"" help:"Ask, and print the reply."`
	Reply answer    `cmd:"" help:"Answer what others ask."`
	Push  push      `cmd:"" help:"Send tasks to workers."`
	Pull  pull      `cmd:"" help:"Work on tasks, or print them."`

	Quiet   bool             `short:"q" help:"Write only warnings and errors to stderr."`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

// Help is what "fanfare --help" says beyond the lists of verbs and flags.
func (cli) Help() string {
	return `Peers are programs with a Fanfare bus, or any others that speak ZeroMQ. Either side of a connection may bind and either
may connect, and several endpoints are allowed: tcp://host:port, tcp://*:port, ipc:///path. Port 0 stands for any free one; stderr
tells which.

Events, replies and tasks go to stdout, everything else to stderr. The exit code is 0 when all was done, 1 when something failed, 2 for a
wrong command line, and 3 for a timeout.

Try it in two terminals:

  fanfare sub --bind tcp://127.0.0.1:5555
  fanfare pub --connect tcp://127.0.0.1:5555 greetings 'hello, world'

Or with a question and its answer:

  fanfare reply --bind tcp://127.0.0.1:5556 --command 'tr a-z A-Z' text.upper
  fanfare req --connect tcp://127.0.0.1:5556 text.upper 'hello, world'

Or with tasks and a worker:

  fanfare pull --connect tcp://127.0.0.1:5557 --exec 'sleep 1; date; cat; echo' chores
  printf 'wash\nmow\n' | fanfare push --bind tcp://127.0.0.1:5557 chores`
}

// run is the whole command but for the process around it. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	exited := false // by --help or --version
	parser, err := kong.New(&c,
		kong.Name("fanfare"),
		kong.Description("Publish and subscribe, ask and answer, hand out tasks and do them, with Fanfare buses and with any ZeroMQ peer."),
		kong.Vars{"version": version()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }),
	)
	if err != nil {
		return report(stderr, "fanfare", err)
	}
	call, err := parser.Parse(args)
	if exited {
		return exitDone
	}
	if err != nil {
		return report(stderr, commandOf(err), &usageError{err})
	}
	call.BindTo(ctx, (*context.Context)(nil))
	err = call.Run(&stdio{in: stdin, out: stdout, err: stderr, log: newLogger(stderr, c.Quiet)})
	return report(stderr, "fanfare "+call.Selected().Name, err)
}

// stdio is what a verb reads from and writes to.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer // for what is not of this program; its own lines go to log
	log logger
}

// commandOf returns the verb whose arguments are wrong, as far as it was recognised.
func commandOf(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context.Selected() != nil {
		return "fanfare " + wrong.Context.Selected().Name
	}
	return "fanfare"
}

// report writes err to stderr, if there is one, and returns the exit code for it.
func report(stderr io.Writer, command string, err error) int {
	if err == nil {
		return exitDone
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", command, err) // there is no other place to complain
	code := exitCode(err)
	if code == exitUsage {
		_, _ = fmt.Fprintf(stderr, "Run \"%s --help\" for its usage.\n", command)
	}
	return code
}
