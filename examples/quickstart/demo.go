package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// limit is when the example gives up. It takes less than half of it.
const limit = 15 * time.Second

// runDemo starts the services, prints what they say as it happens, and the table at the end. When a service fails the others cannot
// go on, so they are ended. The error is the first thing that went wrong.
func runDemo(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %v", limit))
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)

	c := newCrew(ctx)
	c.start("orders")
	var t table
	for m := range c.messages() {
		switch {
		case m.Say != "":
			_, _ = fmt.Fprintf(out, "%-8s| %s\n", m.from, m.Say)
		case m.Listening != "":
			_, _ = fmt.Fprintf(out, "%-8s| listening on %s\n", m.from, m.Listening)
			c.start("billing", m.Listening)
			c.start("stock", m.Listening)
		case m.Published != nil:
			t.published = m.Published
		case m.Result != nil:
			t.rows = append(t.rows, *m.Result)
		case m.failure != nil:
			end(fmt.Errorf("%s: %w", m.from, m.failure))
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return t.print(out)
}
