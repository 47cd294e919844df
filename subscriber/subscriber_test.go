package subscriber_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

func TestOptionsOutsideTheirLimits(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for want, o := range map[string]*subscriber.Options{
		"subscriber.Options.Workers is -1, it must be 1 to 65536, or 0 for 1":                         {Workers: -1},
		"subscriber.Options.Workers is 65537, it must be 1 to 65536, or 0 for 1":                      {Workers: 65537},
		"subscriber.Options.Queue is -5, it must be 1 to 16777216, or 0 for 1024":                     {Queue: -5},
		"subscriber.Options.Queue is 16777217, it must be 1 to 16777216, or 0 for 1024":               {Queue: 1<<24 + 1},
		"subscriber.Options.Overflow is 9, it must be one of the policies of package bus, or 0":       {Overflow: 9},
		"subscriber.Options.Middleware[1].Wrap is <nil>, it must be a function (middleware \"none\")": {Middleware: []bus.Middleware{bus.Wrap("ok", func(h bus.Handler) bus.Handler { return h }), {Name: "none"}}},
	} {
		_, err := subscriber.New(b, numbers, ignore, o)
		var option *bus.OptionError
		if !errors.As(err, &option) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, sel := range []topic.Selector[int]{
		nil, topic.Topic[int]{}, topic.Prefix[int]{}, topic.Pattern[int]{},
		topic.Topic[int]{}.WithCodec(codec.JSON), topic.Pattern[int]{}.WithCodec(codec.JSON),
	} {
		if _, err := subscriber.New(b, sel, ignore, nil); err == nil {
			t.Errorf("%#v was accepted", sel)
		}
	}
	if _, err := subscriber.New[int](b, numbers, nil, nil); err == nil {
		t.Error("a nil handler was accepted")
	}
}

func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	o := subscriber.Options{}
	if _, err := subscriber.New(bustest.New(t), numbers, ignore, &o); err != nil {
		t.Fatal(err)
	}
	if o.Queue != 0 || o.Workers != 0 || o.Name != "" {
		t.Errorf("defaults were written into the caller's options: %+v", o)
	}
}

// What leaves the chain is logged with the subscription, the topic and the sequence; a panic with its stack, and the end of a goroutine as what it is.
func TestErrorsAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zerolog.New(&out)
		b := bustest.New(t, &bus.Options{Name: "billing", Logger: &log})
		s, err := subscriber.New(b, numbers, func(_ context.Context, e topic.Event[int]) error {
			switch e.Value {
			case 2:
				panic("two")
			case 3:
				runtime.Goexit()
			}
			return errors.New("no")
		}, &subscriber.Options{Name: "accounts"})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := newPublisher(t, b).PublishBatch(t.Context(), []int{1, 2, 3}); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 || s.Stats().Failed != 3 {
			t.Fatalf("%+v, log:\n%s", s.Stats(), out.String())
		}
		for _, want := range []string{`"error":"no"`, `"bus":"billing"`, `"subscription":"accounts"`, `"topic":"numbers"`, `"seq":1`} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("no %s in %s", want, lines[0])
			}
		}
		for _, want := range []string{`"error":"bus: panic in handler: two"`, `subscriber_test.go`, `"seq":2`} {
			if !strings.Contains(lines[1], want) {
				t.Errorf("no %s in %s", want, lines[1])
			}
		}
		for _, want := range []string{`"level":"error"`, `"error":"subscriber: the handler has ended its goroutine"`, `"subscription":"accounts"`, `"seq":3`, `"event failed"`} {
			if !strings.Contains(lines[2], want) {
				t.Errorf("no %s in %s", want, lines[2])
			}
		}
	})
}

// The middleware of the bus is outside of that of the subscription; in each list the first one is outermost.
func TestOrderOfMiddleware(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		note := func(name string) bus.Middleware {
			return bus.Wrap(name, func(next bus.Handler) bus.Handler {
				return func(ctx context.Context, m *bus.Message) error {
					calls = append(calls, name+"(")
					defer func() { calls = append(calls, ")") }()
					return next(ctx, m)
				}
			})
		}
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{note("a"), note("b")}})
		_, err := subscriber.New(b, numbers, func(context.Context, topic.Event[int]) error {
			calls = append(calls, "handler")
			return nil
		}, &subscriber.Options{Middleware: []bus.Middleware{note("c"), note("d")}})
		if err != nil {
			t.Fatal(err)
		}
		if err := newPublisher(t, b).Publish(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := strings.Join(calls, ""); got != "a(b(c(d(handler))))" {
			t.Errorf("called %s", got)
		}
	})
}

// Closing one subscription leaves the others alone, and its own handlers finish.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		release := make(chan struct{})
		s, err := subscriber.New(b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
			<-release
			return ctx.Err()
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		other := bustest.Record(t, b, numbers)
		p := newPublisher(t, b)
		if n, err := p.PublishBatch(t.Context(), []int{1, 2, 3}); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		synctest.Wait()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if stats := s.Stats(); stats.Abandoned != 2 || stats.Running != 1 || s.Err() != nil {
			t.Errorf("%+v, %v; want 2 abandoned and 1 running", stats, s.Err())
		}
		if err := p.Publish(t.Context(), 4); err != nil {
			t.Error(err)
		}
		other.Wait(4)
		close(release)
		<-s.Done()
		if stats := s.Stats(); stats.Failed != 1 || stats.Matched != 3 || !errors.Is(s.Err(), bus.ErrClosed) {
			t.Errorf("%+v, %v; want its handler to see the end of its context, and nothing more", stats, s.Err())
		}
	})
}
