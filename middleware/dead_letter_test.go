package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

var (
	errNoRoom = errors.New("no room in the store")
	letters   = topic.New[string]("orders.dead")
)

// attempts returns middleware that makes n of them.
func attempts(n int) bus.Middleware {
	return bus.Middleware{Name: "attempts", Attempts: n, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) (err error) {
			for i := range n {
				m.SetAttempt(i + 1)
				err = next(ctx, m)
			}
			return err
		}
	}}
}

func TestDeadLetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &log})
		dead := bustest.Record(t, b, letters)
		original := bustest.Record(t, b, orders)
		sub := handle(t, b, func(string) error { return errNoRoom }, middleware.DeadLetter("orders.dead", nil), attempts(3))
		pub, err := publisher.New(b, orders.WithKey(func(string) string { return "ada" }), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(t.Context(), "two pencils", publisher.Header("shop", "7")); err != nil {
			t.Fatal(err)
		}
		e, id := dead.Wait(1)[0], original.Wait(1)[0].ID()
		for name, want := range map[string]string{
			middleware.DeadLetterReason: "no room in the store", middleware.DeadLetterTopic: "orders.created", middleware.DeadLetterAttempts: "3",
			middleware.DeadLetterID: id, middleware.DeadLetterTrail: "", "shop": "7", "content-type": "application/json",
		} {
			if got := e.Header(name); got != want {
				t.Errorf("header %s is %q, want %q", name, got, want)
			}
		}
		if e.Value != "two pencils" || e.ID() != id || e.Key() != "ada" || id == "" {
			t.Errorf("value %q, ID %q, key %q; the original's ID is %q", e.Value, e.ID(), e.Key(), id)
		}
		synctest.Wait()
		if s := sub.Stats(); s.Succeeded != 1 || s.Failed != 0 {
			t.Errorf("stats %+v", s)
		}
		if got := logged(); len(got) != 1 || got[0].Level != "error" || got[0].Error != "no room in the store" || got[0].Message != "event failed and was set aside" {
			t.Errorf("logged %+v", got)
		}
	})
}

// TestDeadLetterTakes checks which errors are set aside.
func TestDeadLetterTakes(t *testing.T) {
	t.Parallel()
	only := &middleware.DeadLetterOptions{Filter: func(err error) bool { return errors.Is(err, errNoRoom) }}
	for name, tc := range map[string]struct {
		err     error
		options *middleware.DeadLetterOptions
		want    subscriber.Stats
		dead    int
	}{
		"success":         {nil, nil, subscriber.Stats{Matched: 1, Succeeded: 1}, 0},
		"filtered":        {bus.ErrFiltered, nil, subscriber.Stats{Matched: 1, Filtered: 1}, 0},
		"any":             {errNoStock, nil, subscriber.Stats{Matched: 1, Succeeded: 1}, 1},
		"the filter's":    {errNoRoom, only, subscriber.Stats{Matched: 1, Succeeded: 1}, 1},
		"not the filters": {errNoStock, only, subscriber.Stats{Matched: 1, Failed: 1}, 0},
		"filtered always": {bus.ErrFiltered, &middleware.DeadLetterOptions{Filter: func(error) bool { return true }}, subscriber.Stats{Matched: 1, Filtered: 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				dead := bustest.Record(t, b, letters)
				sub := handle(t, b, func(string) error { return tc.err }, middleware.DeadLetter("orders.dead", tc.options))
				if err := publish(t, b, "two pencils"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if s := sub.Stats(); s != tc.want {
					t.Errorf("stats %+v, want %+v", s, tc.want)
				}
				if n := len(dead.All()); n != tc.dead {
					t.Errorf("%d dead letters, want %d", n, tc.dead)
				}
			})
		})
	}
}

// TestDeadLetterTopicFails has a dead-letter topic that takes nothing: the event counts as failed, and both errors are told.
func TestDeadLetterTopicFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &log})
		release := make(chan struct{})
		defer close(release)
		full := func(context.Context, topic.Event[string]) error { <-release; return nil }
		if _, err := subscriber.New(b, letters, full, &subscriber.Options{Queue: 1, Overflow: bus.Fail}); err != nil {
			t.Fatal(err)
		}
		sub := handle(t, b, func(string) error { return errNoStock }, middleware.DeadLetter("orders.dead", nil))
		for range 5 {
			if err := publish(t, b, "two pencils"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		s := sub.Stats()
		if s.Failed == 0 || s.Failed+s.Succeeded != 5 {
			t.Fatalf("stats %+v", s)
		}
		entries := logged()
		last := entries[len(entries)-1]
		if !strings.Contains(last.Error, errNoStock.Error()) || !strings.Contains(last.Error, `dead letter to "orders.dead"`) || !strings.Contains(last.Error, "no room in") {
			t.Errorf("logged %+v", last)
		}
		if got := uint64(len(entries)); got != 5 {
			t.Errorf("%d entries for 5 events", got)
		}
	})
}

// TestDeadLetterIsRefused has publish middleware that does not want dead letters: the event has failed, and was not filtered.
func TestDeadLetterIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		living := middleware.Filter(func(m *bus.Message) bool { return m.Topic() != "orders.dead" })
		b := bustest.New(t, &bus.Options{Logger: &log, Publish: []bus.Middleware{living}})
		sub := handle(t, b, func(string) error { return errNoStock }, middleware.DeadLetter("orders.dead", nil))
		if err := publish(t, b, "two pencils"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := sub.Stats(); s.Failed != 1 || s.Filtered != 0 {
			t.Errorf("stats %+v", s)
		}
		if got := logged(); len(got) != 1 || got[0].Message != "event failed" || !strings.HasPrefix(got[0].Error, errNoStock.Error()) {
			t.Errorf("logged %+v", got)
		}
	})
}

// TestDeadLetterInline has an inline handler of the dead-letter topic that fails: the event was set aside all the same, and both errors are told.
func TestDeadLetterInline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &log})
		dead := bustest.Record(t, b, letters)
		inline := func(context.Context, topic.Event[string]) error { return errNoRoom }
		if _, err := subscriber.New(b, letters, inline, &subscriber.Options{Inline: true}); err != nil {
			t.Fatal(err)
		}
		sub := handle(t, b, func(string) error { return errNoStock }, middleware.DeadLetter("orders.dead", nil))
		if err := publish(t, b, "two pencils"); err != nil {
			t.Fatal(err)
		}
		dead.Wait(1)
		synctest.Wait()
		if s := sub.Stats(); s.Succeeded != 1 {
			t.Errorf("stats %+v", s)
		}
		if got := logged(); len(got) != 1 || got[0].Error != errNoStock.Error() || !strings.HasSuffix(got[0].Inline, errNoRoom.Error()) {
			t.Errorf("logged %+v", got)
		}
	})
}

// TestDeadLettersGoInNoCircle has everything fail everywhere: on the topic, on its dead-letter topic, and on that one's, which is the first.
func TestDeadLettersGoInNoCircle(t *testing.T) {
	t.Parallel()
	fail := func(context.Context, topic.Event[string]) error { return errNoStock }
	for name, targets := range map[string]map[string]string{
		"itself":                     {"a": "a"},
		"for all of the bus":         {"a": "dead", "dead": "dead"},
		"each other's":               {"a": "b", "b": "a"},
		"a circle apart from itself": {"a": "b", "b": "c", "c": "d", "d": "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				var subs []*subscriber.Subscription
				for from, to := range targets {
					sub, err := subscriber.New(b, topic.New[string](from), fail, &subscriber.Options{Middleware: []bus.Middleware{middleware.DeadLetter(to, nil)}})
					if err != nil {
						t.Fatal(err)
					}
					subs = append(subs, sub)
				}
				pub, err := publisher.New(b, topic.New[string]("a"), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := pub.Publish(t.Context(), "two pencils"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				failed, matched := 0, 0
				for _, s := range subs {
					failed += int(s.Stats().Failed)
					matched += int(s.Stats().Matched)
				}
				if failed != 1 || matched != len(targets) {
					t.Errorf("%d handled, %d failed; want %d and 1", matched, failed, len(targets))
				}
			})
		})
	}
}

// TestDeadLetterOfDeadLetter checks that what has failed twice says where.
func TestDeadLetterOfDeadLetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		handle(t, b, func(string) error { return errNoStock }, middleware.DeadLetter("orders.dead", nil))
		fail := func(context.Context, topic.Event[string]) error { return errNoRoom }
		if _, err := subscriber.New(b, letters, fail, &subscriber.Options{Middleware: []bus.Middleware{middleware.DeadLetter("orders.lost", nil)}}); err != nil {
			t.Fatal(err)
		}
		lost := bustest.Record(t, b, topic.New[string]("orders.lost"))
		if err := publish(t, b, "two pencils"); err != nil {
			t.Fatal(err)
		}
		e := lost.Wait(1)[0]
		if e.Header(middleware.DeadLetterTopic) != "orders.dead" || e.Header(middleware.DeadLetterTrail) != "orders.created" || e.Header(middleware.DeadLetterReason) != errNoRoom.Error() {
			t.Errorf("headers: topic %q, trail %q, reason %q", e.Header(middleware.DeadLetterTopic), e.Header(middleware.DeadLetterTrail), e.Header(middleware.DeadLetterReason))
		}
	})
}

// TestDeadLetterOfPanic has a handler that panics, without Recover: the event is set aside, and the log has the stack.
func TestDeadLetterOfPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := zerolog.New(zerolog.SyncWriter(&log))
		b := bustest.New(t, &bus.Options{Logger: &logger})
		dead := bustest.Record(t, b, letters)
		handle(t, b, func(string) error { panic("no stock left") }, middleware.DeadLetter("orders.dead", nil))
		if err := publish(t, b, "two pencils"); err != nil {
			t.Fatal(err)
		}
		if e := dead.Wait(1)[0]; e.Header(middleware.DeadLetterReason) != "bus: panic in handler: no stock left" {
			t.Errorf("the reason is %q", e.Header(middleware.DeadLetterReason))
		}
		synctest.Wait()
		if text := log.String(); !strings.Contains(text, `"stack":"goroutine `) || !strings.Contains(text, "dead_letter_test.go") {
			t.Errorf("logged %s", text)
		}
	})
}

// TestAside checks that what stands outside of DeadLetter knows that the event has failed.
func TestAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		quiet := zerolog.Nop()
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &quiet})
		var aside []error
		look := bus.Wrap("look", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				err := next(ctx, m)
				aside = append(aside, err, m.Aside())
				return err
			}
		})
		handle(t, b, func(value string) error {
			if value == "two pencils" {
				return errNoStock
			}
			return nil
		}, look, middleware.Log(log, nil), middleware.DeadLetter("orders.dead", nil))
		for _, value := range []string{"two pencils", "one notebook"} {
			if err := publish(t, b, value); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if want := []error{nil, errNoStock, nil, nil}; !slices.Equal(aside, want) {
			t.Errorf("seen %v, want %v", aside, want)
		}
		got := logged()
		if len(got) != 2 || got[0].Level != "error" || got[0].Message != "event set aside" || got[0].Error != errNoStock.Error() || got[1].Message != "event passed" {
			t.Errorf("logged %+v", got)
		}
	})
}

func TestDeadLetterWithoutTopic(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"", "orders..dead"} {
		_, err := bus.New(&bus.Options{Subscribe: []bus.Middleware{middleware.DeadLetter(to, nil)}})
		if name := (*topic.NameError)(nil); !errors.As(err, &name) {
			t.Errorf("bus.New with dead letters to %q: %v", to, err)
		}
	}
}
