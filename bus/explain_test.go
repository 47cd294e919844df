package bus_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// tries returns a middleware that calls what is inside of it up to n times.
func tries(name string, n int) bus.Middleware {
	m := placed(name, bus.PhaseRetry)
	m.Attempts = n
	return m
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		chain   []bus.Middleware
		options *subscriber.Options
		remote  bool
		want    string
	}{
		"defaults": {nil, nil, false, `subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: handler
  from this bus: once, Block when the queue is full
  from others: never
  calls of the handler for each: one`},
		"a transport": {nil, nil, true, `subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: handler
  from this bus: once, Block when the queue is full
  from others: at most once, DropOldest when the queue is full
  calls of the handler for each: one`},
		"a chain of both lists": {[]bus.Middleware{log, letters}, &subscriber.Options{Middleware: []bus.Middleware{tries("retry", 3), guard}}, false,
			`subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: log(dead letter(retry up to 3(recover(handler))))
  from this bus: once, Block when the queue is full
  from others: never
  calls of the handler for each: up to 3`},
		"attempts multiply": {nil, &subscriber.Options{Middleware: []bus.Middleware{tries("a", 3), tries("b", 2)}}, false,
			`subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: a up to 3(b up to 2(handler))
  from this bus: once, Block when the queue is full
  from others: never
  calls of the handler for each: up to 6`},
		"more than can be counted": {nil, &subscriber.Options{Middleware: []bus.Middleware{tries("a", 1<<40), tries("b", 1<<40)}}, false,
			`subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: a up to 1099511627776(b up to 1099511627776(handler))
  from this bus: once, Block when the queue is full
  from others: never
  calls of the handler for each: up to 9223372036854775807`},
		"for ever": {nil, &subscriber.Options{Middleware: []bus.Middleware{tries("a", 3), tries("b", -1), tries("c", 2)}}, false,
			`subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: a up to 3(b without a limit(c up to 2(handler)))
  from this bus: once, Block when the queue is full
  from others: never
  calls of the handler for each: without a limit`},
		"options": {nil, &subscriber.Options{Name: "billing", Workers: 8, Queue: 16, Overflow: bus.Block, BlockTimeout: time.Second, Group: "g", LocalGroup: true}, true,
			`subscriber "billing" of "numbers", 8 at the same time, 16 wait, shared by group "g"
  chain: handler
  from this bus: once, Block when the queue is full for up to 1s
  from others: at most once, Block when the queue is full for up to 1s
  calls of the handler for each: one`},
		"fail": {nil, &subscriber.Options{Overflow: bus.Fail}, true, `subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: handler
  from this bus: once, Fail when the queue is full
  from others: at most once, DropNewest when the queue is full
  calls of the handler for each: one`},
		"latest": {nil, &subscriber.Options{Overflow: bus.Latest}, false, `subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: handler
  from this bus: at most once, Latest when the queue is full
  from others: never
  calls of the handler for each: one`},
		"inline": {nil, &subscriber.Options{Inline: true}, true, `subscriber "numbers" of "numbers", called by publishers
  chain: handler
  from this bus: once
  from others: at most once
  calls of the handler for each: one`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := &bus.Options{Subscribe: tc.chain}
				if tc.remote {
					o.Transport = newFakeTransport()
				}
				b := bustest.New(t, o)
				sub := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error { return nil }, tc.options)
				if got := b.Explain(sub).String(); got != tc.want {
					t.Errorf("got\n%s\nwant\n%s", got, tc.want)
				}
			})
		})
	}
}

// The data says where each middleware stands.
func TestExplainAsData(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{log, audit}})
		w, err := pipeline.NewWorker(b, pipeline.NewTask[int]("double"), func(context.Context, int) error { return nil },
			&pipeline.Options{Workers: 2, Middleware: []bus.Middleware{tries("retry", 3)}})
		if err != nil {
			t.Fatal(err)
		}
		e := b.Explain(w)
		want := []bus.Link{
			{Name: "log", Phase: bus.PhaseObserve, Attempts: 1, Field: "bus.Options.Subscribe"},
			{Name: "audit", Attempts: 1, Field: "bus.Options.Subscribe"},
			{Name: "retry", Phase: bus.PhaseRetry, Attempts: 3, Field: "pipeline.Options.Middleware"},
		}
		if len(e.Chain) != len(want) {
			t.Fatalf("the chain is %+v", e.Chain)
		}
		for i, l := range e.Chain {
			if l != want[i] {
				t.Errorf("link %d is %+v, want %+v", i, l, want[i])
			}
		}
		e.Chain = nil
		if got, want := e.String(), `worker "double" of "double", 2 at the same time, 32 wait
  chain: handler
  from this bus: at least once
  from others: never
  calls of the handler for each: up to 3`; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// The chain of a subscription that takes batches ends where an event joins its batch: no middleware calls its handler again.
func TestExplainBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{letters}})
		sub, err := subscriber.Batch(b, numbers, func(context.Context, []topic.Event[int]) error { return nil },
			&subscriber.BatchOptions{Size: 50, Options: subscriber.Options{Middleware: []bus.Middleware{tries("retry", 3)}}})
		if err != nil {
			t.Fatal(err)
		}
		e := b.Explain(sub)
		if e.Batch != 50 || e.Attempts != 1 {
			t.Errorf("batches of %d, %d attempts", e.Batch, e.Attempts)
		}
		if got, want := e.String(), `subscriber "numbers" of "numbers", 1 at the same time, 1024 wait
  chain: dead letter(retry up to 3(collect))
  handler: outside of the chain, in batches of up to 50
  from this bus: once, Block when the queue is full
  from others: never
  calls of the handler for each: one`; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
