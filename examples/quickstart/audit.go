package main

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// oddOrder is the one that the audit cannot cope with.
const oddOrder = 1313

// audit listens in the process that publishes: it gets the typed events themselves, nothing is encoded for it.
type audit struct {
	sub   *subscriber.Subscription
	tally tally
}

// newAudit subscribes with a chain of middleware. The first is the outermost, so each call is
//
//	countFailure(Log(Recover(handle)))
//
// Recover makes an error of a panic, Log writes it down, and countFailure has the last word.
func newAudit(b *bus.Bus, r *reporter) (*audit, error) {
	a := &audit{}
	log := zerolog.New(zerolog.ConsoleWriter{Out: r, NoColor: true, PartsExclude: []string{zerolog.TimestampFieldName}}).Level(zerolog.ErrorLevel)
	var err error
	a.sub, err = subscriber.New(b, Created, a.handle, &subscriber.Options{
		Name: "audit",
		Middleware: []bus.Middleware{
			bus.Wrap("count failure", a.countFailure),
			middleware.Log(log, nil),
			middleware.Recover(),
		},
	})
	r.say("auditing in the same process")
	return a, err
}

// handle is called for one order after the other.
func (a *audit) handle(_ context.Context, e topic.Event[Order]) error {
	if e.Value.Number == oddOrder {
		panic(fmt.Sprintf("no rule for order %d", e.Value.Number))
	}
	a.tally.add(e.Value.age())
	return nil
}

// countFailure is a middleware of our own. An error that it returned would be logged by the bus and go no further, so it keeps it.
func (a *audit) countFailure(next bus.Handler) bus.Handler {
	return func(ctx context.Context, m *bus.Message) error {
		if err := next(ctx, m); err != nil {
			a.tally.fail()
		}
		return nil
	}
}

func (a *audit) result(b *bus.Bus) result { return a.tally.result("audit", Created, a.sub, b) }
