package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

func TestBadOptions(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		for field, o := range map[string]*pipeline.ProducerOptions{
			"pipeline.ProducerOptions.Queue":      {Queue: -1},
			"pipeline.ProducerOptions.DeadLetter": {DeadLetter: "numbers"},
			"pipeline.ProducerOptions.AckTimeout": {AckTimeout: 49*24*time.Hour + 1},
		} {
			_, err := pipeline.NewProducer(b, numbers, o)
			wantOption(t, field, err)
		}
		for field, o := range map[string]*pipeline.Options{
			"pipeline.Options.Workers":            {Workers: -1},
			"pipeline.Options.Prefetch":           {Prefetch: 1<<16 + 1},
			"pipeline.Options.RetryDelay":         {RetryDelay: -1},
			"pipeline.Options.Middleware[0].Wrap": {Middleware: []bus.Middleware{{}}},
		} {
			_, err := pipeline.NewWorker(b, numbers, ignore[int], o)
			wantOption(t, field, err)
		}
		_, err := pipeline.NewWorker(b, numbers, ignore[int], &pipeline.Options{RetryDelay: math.MaxInt64})
		wantOption(t, "pipeline.Options.RetryDelay", err)
		_, err = pipeline.NewWorker(b, numbers, ignore[int], &pipeline.Options{Workers: 1 << 16, Prefetch: 1 << 16})
		wantOption(t, "pipeline.Options.Prefetch", err)
		_, err = pipeline.NewWorker[int](b, numbers, nil, nil)
		wantOption(t, "pipeline.NewWorker handler", err)
		_, err = pipeline.NewWorker(b, pipeline.Task[int]{}, ignore[int], nil)
		wantOption(t, "pipeline.NewWorker task", err)
		_, err = pipeline.NewProducer(b, pipeline.Task[int]{}, nil)
		wantOption(t, "pipeline.NewProducer task", err)
		_, err = pipeline.NewProducer(b, numbers.WithCodec(longContent{codec.JSON}), nil)
		wantOption(t, "content type of the task's codec", err)
		_, err = pipeline.NewProducer(b, pipeline.NewTask[int](strings.Repeat("t", 251)), nil)
		wantOption(t, "pipeline.ProducerOptions.DeadLetter", err)
		p := newProducer(t, b, numbers, nil)
		var refused *pipeline.AttributeError
		for _, a := range []pipeline.Attribute{{}, pipeline.Header("attempt", "1"), pipeline.Header("Upper", "x"), pipeline.ID(""), pipeline.ID(strings.Repeat("x", 256)), pipeline.Header("h", strings.Repeat("x", 65536))} {
			if err := p.Send(t.Context(), 1, a); !errors.As(err, &refused) || refused.Error() == "" {
				t.Errorf("%+v: %v", a, err)
			}
		}
	})
}

// longContent is a codec with a content type that is too long.
type longContent struct{ codec.Codec }

func (longContent) ContentType() string { return strings.Repeat("x", 257) }

func wantOption(t *testing.T, field string, err error) {
	t.Helper()
	var option *bus.OptionError
	if !errors.As(err, &option) || option.Field != field {
		t.Errorf("want an error about %s, got %v", field, err)
	}
}

func TestTaskNames(t *testing.T) {
	t.Parallel()
	var name *topic.NameError
	if _, err := pipeline.ParseTask[int]("a..b"); !errors.As(err, &name) {
		t.Error(err)
	}
	task, err := pipeline.ParseTask[int]("a.b")
	if err != nil || task.String() != "a.b" || task.Codec() != codec.JSON || task.WithCodec(codec.Raw).Codec() != codec.Raw {
		t.Errorf("%v, %v", task, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("NewTask takes any name")
		}
	}()
	pipeline.NewTask[int]("")
}

// Middleware of the bus stands around that of the worker, sees the task as a message, and may change its payload or refuse it.
func TestMiddleware(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		var got log[string]
		around := bus.Wrap("around", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				payload, err := m.Payload()
				got.add(fmt.Sprint(m.Topic(), m.Seq(), " ", string(payload), err))
				if string(payload) == "13" {
					return bus.ErrFiltered
				}
				m.SetPayload([]byte("4" + string(payload)))
				return next(ctx, m)
			}
		})
		w := newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			_, ok := pipeline.DeliveryFrom(ctx)
			got.add(fmt.Sprint(n, ok))
			return nil
		}, &pipeline.Options{Middleware: []bus.Middleware{around}})
		p := newProducer(t, b, numbers, nil)
		send(t, p, 2, 13)
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		f.producer(t, false).send("numbers", 5, 5)
		synctest.Wait()
		want(t, "seen", got.all(), "numbers1 2<nil>", "42 true", "numbers2 13<nil>", "numbers5 5<nil>", "45 true")
		if s := w.Stats(); s.Filtered != 1 || s.Succeeded != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// What a middleware keeps of a task stays as it is when the worker is at the next one.
func TestMiddlewareKeepsTasks(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		var kept []*bus.Message
		keep := bus.Wrap("keep", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				kept = append(kept, m.Clone())
				return next(ctx, m)
			}
		})
		newWorker(t, b, numbers, func(context.Context, int) error { return nil }, &pipeline.Options{Middleware: []bus.Middleware{keep}})
		f.producer(t, false).send("numbers", 1, 2)
		synctest.Wait()
		var got []string
		for _, m := range kept {
			payload, err := m.Payload()
			got = append(got, fmt.Sprint(string(payload), err))
		}
		want(t, "kept", got, "1<nil>", "2<nil>")
	})
}

// A delay that is longer than a peer could be told is the longest one, not none: the task is not given again at once.
func TestLongDelays(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		const days = 24 * time.Hour
		worker := bustest.NewTask(t, numbers, bustest.Fail(pipeline.RetryAfter(errors.New("later"), math.MaxInt64)))
		newWorker(t, b, numbers, worker.Handle, nil)
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Attempts: -1})
		send(t, p, 1)
		time.Sleep(48 * days)
		if n := len(worker.Seen()); n != 1 {
			t.Errorf("%d attempts within 48 days", n)
		}
		time.Sleep(2 * days)
		if n := len(worker.Seen()); n != 2 {
			t.Errorf("%d attempts after 50 days", n)
		}
	})
}
