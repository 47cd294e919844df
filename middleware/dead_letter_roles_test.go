package middleware_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestDeadLetterOfPublish sets aside what could not be published, and the publisher hears of it. What inline handlers do is not a matter of
// publishing.
func TestDeadLetterOfPublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{middleware.DeadLetter("orders.dead", nil)}})
		dead := bustest.Record(t, b, letters)
		refuse := bus.Wrap("refuse", func(bus.Handler) bus.Handler {
			return func(context.Context, *bus.Message) error { return errNoRoom }
		})
		if err := publish(t, b, "two pencils", refuse); err != errNoRoom {
			t.Errorf("Publish returned %v", err)
		}
		if e := dead.Wait(1)[0]; e.Value != "two pencils" || e.Header(middleware.DeadLetterReason) != errNoRoom.Error() {
			t.Errorf("dead letter %v, reason %q", e, e.Header(middleware.DeadLetterReason))
		}
		inline := func(context.Context, topic.Event[string]) error { return errNoStock }
		if _, err := subscriber.New(b, orders, inline, &subscriber.Options{Inline: true}); err != nil {
			t.Fatal(err)
		}
		if err := publish(t, b, "one notebook"); !errors.Is(err, errNoStock) {
			t.Errorf("Publish returned %v", err)
		}
		synctest.Wait()
		if n := len(dead.All()); n != 1 {
			t.Errorf("%d dead letters", n)
		}
	})
}

// TestDeadLetterOfRequest has a server and a client whose requests fail: each sets one aside, and the client hears of it.
func TestDeadLetterOfRequest(t *testing.T) {
	t.Parallel()
	setAside := []bus.Middleware{middleware.DeadLetter("prices.dead", nil)}
	for name, o := range map[string]bus.Options{"by the server": {Subscribe: setAside}, "by the client": {Publish: setAside}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t, &o)
				dead := bustest.Record(t, b, topic.New[string]("prices.dead"))
				_, err := ask(t, b, func() (string, error) { return "", errNoStock })
				var answer *request.RemoteError
				if !errors.As(err, &answer) || answer.Message != errNoStock.Error() {
					t.Errorf("Do returned %v", err)
				}
				if e := dead.Wait(1)[0]; !strings.Contains(e.Header(middleware.DeadLetterReason), errNoStock.Error()) {
					t.Errorf("the reason is %q", e.Header(middleware.DeadLetterReason))
				}
			})
		})
	}
}

// TestDeadLetterOfTask has a task that is done when it was set aside, and given again when it could not be.
func TestDeadLetterOfTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		resize := pipeline.NewTask[string]("images.resize")
		calls := 0
		fail := func(context.Context, string) error { calls++; return errNoStock }
		refusals := 2
		refuse := bus.Wrap("refuse", func(next bus.Handler) bus.Handler { // as a dead-letter topic in trouble
			return func(ctx context.Context, m *bus.Message) error {
				err := next(ctx, m)
				if refusals > 0 {
					refusals--
					return errNoRoom
				}
				return err
			}
		})
		dead := bustest.Record(t, b, topic.New[string]("images.dead"))
		chain := []bus.Middleware{refuse, middleware.DeadLetter("images.dead", nil)}
		if _, err := pipeline.NewWorker(b, resize, fail, &pipeline.Options{Middleware: chain}); err != nil {
			t.Fatal(err)
		}
		p, err := pipeline.NewProducer(b, resize, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Send(t.Context(), "cat.png"); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Errorf("Wait returned %v", err)
		}
		if e := dead.Wait(3)[2]; calls != 3 || e.Value != "cat.png" || e.Header(middleware.DeadLetterTopic) != "images.resize" {
			t.Errorf("%d calls, dead letter %v of %q", calls, e, e.Header(middleware.DeadLetterTopic))
		}
	})
}
