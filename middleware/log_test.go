package middleware_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/rs/zerolog"
)

// took is what a handler of these tests takes, by the clock of the bubble, in the milliseconds of the log.
const took = 250

// slowly returns err after a while.
func slowly(err error) error {
	<-time.After(took * time.Millisecond)
	return err
}

func TestLogOnTheSubscribeSide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{middleware.Log(log)}})
		sub := handle(t, b, func(value string) error {
			if value == "bad" {
				return slowly(errNoStock)
			}
			return slowly(nil)
		})
		for _, value := range []string{"good", "bad"} {
			if err := publish(t, b, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Shutdown(t.Context()); err != nil { // waits for the handlers
			t.Fatal(err)
		}
		checkLog(t, logged(), []entry{
			{Level: "debug", Message: "event passed", Topic: "orders.created", Seq: 1},
			{Level: "error", Message: "event failed", Topic: "orders.created", Seq: 2, Error: "no stock left"},
		}, took)
		if s := sub.Stats(); s.Failed != 1 || s.Succeeded != 1 {
			t.Errorf("Log changed what the handler returned: stats %+v", s)
		}
	})
}

// TestLogOnThePublishSide checks what is special there: an event has a number only when it was published.
func TestLogOnThePublishSide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{middleware.Log(log)}})
		refuse := bus.Wrap("refuse", func(bus.Handler) bus.Handler {
			return func(context.Context, *bus.Message) error { return slowly(errNoStock) }
		})
		if err := publish(t, b, "first"); err != nil {
			t.Fatal(err)
		}
		if err := publish(t, b, "second", refuse); err != errNoStock {
			t.Errorf("Log changed the error to %v", err)
		}
		entries := logged()
		checkLog(t, entries[:1], []entry{{Level: "debug", Message: "event passed", Topic: "orders.created", Seq: 1}}, 0)
		checkLog(t, entries[1:], []entry{{Level: "error", Message: "event failed", Topic: "orders.created", Error: "no stock left"}}, took)
	})
}

func TestLogKeepsTheLevelOfItsLogger(t *testing.T) {
	t.Parallel()
	log, logged := logger(t)
	chain := middleware.Log(log.Level(zerolog.InfoLevel))
	b := bustest.New(t)
	if err := publish(t, b, "first", chain); err != nil {
		t.Fatal(err)
	}
	if got := logged(); len(got) != 0 {
		t.Errorf("a success was logged: %+v", got)
	}
}

// checkLog compares entries, all with the given duration in milliseconds.
func checkLog(t *testing.T, got, want []entry, took float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d: %+v", len(got), len(want), got)
	}
	for i, e := range got {
		if e.Took == nil || *e.Took != took {
			t.Errorf("entry %d took %v, want %v", i, e.Took, took)
		}
		if e.Took = nil; e != want[i] {
			t.Errorf("entry %d is %+v, want %+v", i, e, want[i])
		}
	}
}
