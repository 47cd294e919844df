package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestOutage is the chain of docs/guide/middleware.md for handlers whose database may be down: events wait for the end of an outage, also one in which
// calls hang, and what is wrong with an event itself sets it aside at once.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"fails": false, "hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				errDatabase := errors.New("the database is down")
				up := time.Now().Add(time.Minute)
				b := bustest.New(t)
				dead := bustest.Record(t, b, letters)
				handler := func(ctx context.Context, e topic.Event[string]) error {
					switch {
					case time.Now().Before(up) && hangs:
						<-ctx.Done()
						return fmt.Errorf("%w: %w", errDatabase, ctx.Err())
					case time.Now().Before(up):
						return errDatabase
					case e.Value == "bad":
						return errNoStock
					}
					return nil
				}
				sub, err := subscriber.New(b, orders, handler, &subscriber.Options{Workers: 8, Middleware: []bus.Middleware{
					middleware.DeadLetter("orders.dead", nil),
					middleware.Retry(&middleware.RetryOptions{Attempts: -1, Max: 5 * time.Second, Retryable: func(err error) bool {
						return errors.Is(err, middleware.ErrOpen) || errors.Is(err, errDatabase)
					}}),
					middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{Open: time.Second, Failure: func(err error) bool { return errors.Is(err, errDatabase) }}),
					middleware.Timeout(time.Second),
					middleware.Recover(),
				}})
				if err != nil {
					t.Fatal(err)
				}
				pub, err := publisher.New(b, orders, nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 200 {
					value := "good"
					if i%20 == 0 {
						value = "bad"
					}
					if err := pub.Publish(t.Context(), value); err != nil {
						t.Fatal(err)
					}
				}
				if err := b.Shutdown(t.Context()); err != nil { // waits for the handlers
					t.Error(err)
				}
				if s := sub.Stats(); s.Succeeded != 200 || len(dead.All()) != 10 {
					t.Errorf("stats %+v, %d dead letters", s, len(dead.All()))
				}
			})
		})
	}
}
