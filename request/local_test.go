package request_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

func TestInProcess(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	handlers := [2]*bustest.Call[int, int]{bustest.NewCall(t, double, doubled), bustest.NewCall(t, double, doubled)}
	for _, h := range handlers {
		serve(t, b, double, h.Handle, nil)
	}
	cl := newClient(t, b, double, nil)
	for n := range 10 {
		if got, err := cl.Do(t.Context(), n); got != 2*n || err != nil {
			t.Fatalf("%d: %d, %v", n, got, err)
		}
	}
	if one, other := len(handlers[0].Seen()), len(handlers[1].Seen()); one != 5 || other != 5 {
		t.Errorf("%d and %d of 10", one, other)
	}
}

// What is asked in the process is not encoded, and the handler runs where Do was called.
func TestInProcessIsDirect(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	channels := request.NewCall[chan int, chan int]("test.channels")
	serve(t, b, channels, func(_ context.Context, c chan int) (chan int, error) { return c, nil }, nil)
	c := make(chan int)
	if got, err := newClient(t, b, channels, nil).Do(t.Context(), c); got != c || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestInProcessTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		serve(t, b, double, func(ctx context.Context, _ int) (int, error) {
			if ctx.Err() != nil {
				t.Error(ctx.Err())
			}
			deadline, ok := ctx.Deadline()
			if !ok || time.Until(deadline) != time.Second {
				t.Errorf("%v %v", deadline, ok)
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}, nil)
		cl := newClient(t, b, double, &request.Options{Timeout: time.Second})
		begin := time.Now()
		if _, err := cl.Do(t.Context(), 1); !errors.Is(err, request.ErrTimeout) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second/2, cancel)
		if _, err := cl.Do(ctx, 1); err != context.Canceled || time.Since(begin) != 3*time.Second/2 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// The context of a handler ends in all the ways in which contexts do.
func TestHandlerContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		type key struct{}
		var kept context.Context
		s := serve(t, b, double, func(ctx context.Context, n int) (int, error) {
			kept = ctx
			if ctx.Value(key{}) != "value" {
				t.Errorf("%v", ctx.Value(key{}))
			}
			child, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			switch n {
			case 1: // looked at before and after the deadline
				for ctx.Err() == nil {
					time.Sleep(100 * time.Millisecond)
				}
			case 2:
				<-child.Done()
			}
			return n, ctx.Err()
		}, nil)
		ctx := context.WithValue(t.Context(), key{}, "value")
		cl := newClient(t, b, double, &request.Options{Timeout: time.Second})
		for n := 1; n <= 2; n++ {
			if _, err := cl.Do(ctx, n); !errors.Is(err, request.ErrTimeout) {
				t.Errorf("%d: %v", n, err)
			}
		}
		if _, err := cl.Do(ctx, 3); err != nil {
			t.Error(err)
		}
		if kept.Err() != context.Canceled {
			t.Errorf("after the handler: %v", kept.Err())
		}
		<-kept.Done()
		earlier, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if _, err := cl.Do(earlier, 2); !errors.Is(err, request.ErrTimeout) {
			t.Errorf("%v", err)
		}
		_ = s.Close()
	})
}

func TestOtherTypes(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	serve(t, b, double, twice, nil)
	texts := request.NewCall[[]byte, []byte]("math.double").WithCodec(codec.Raw)
	cl := newClient(t, b, texts, nil)
	if got, err := cl.Do(t.Context(), []byte("21")); string(got) != "42" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	_, err := cl.Do(t.Context(), []byte("no number"))
	if failed, _ := errors.AsType[*request.RemoteError](err); failed == nil || failed.Code != request.CodeDecode {
		t.Errorf("%v", err)
	}
	lists := request.NewCall[int, []int]("math.double")
	var unreadable *bus.DecodeError
	if _, err := newClient(t, b, lists, nil).Do(t.Context(), 1); !errors.As(err, &unreadable) || unreadable.Type != "[]int" {
		t.Errorf("%v", err)
	}
	unfit := request.NewCall[chan int, int]("math.double")
	if _, err := newClient(t, b, unfit, nil).Do(t.Context(), nil); err == nil {
		t.Error("a channel was encoded")
	}
}

func TestRecursion(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	cl := newClient(t, b, double, nil)
	depth := 0
	serve(t, b, double, func(ctx context.Context, n int) (int, error) {
		depth++
		return cl.Do(ctx, n)
	}, nil)
	var recursion *bus.RecursionError
	if _, err := cl.Do(t.Context(), 1); !errors.As(err, &recursion) || recursion.Topic != "math.double" || depth != 64 {
		t.Errorf("%v at depth %d", err, depth)
	}
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	steps := make(chan string, 100)
	step := func(name string) bus.Middleware {
		return bus.Wrap(name, func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				payload, err := m.Payload()
				if err != nil {
					return err
				}
				steps <- fmt.Sprintf("%s %s %s %s", name, m.Topic(), payload, m.Header("who"))
				if err := m.SetHeader("who", name); err != nil {
					return err
				}
				return next(ctx, m)
			}
		})
	}
	add := bus.Wrap("add", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			m.SetPayload([]byte("20"))
			return next(ctx, m)
		}
	})
	local := bustest.New(t, &bus.Options{Publish: []bus.Middleware{step("publish")}, Subscribe: []bus.Middleware{step("subscribe")}})
	open := bustest.On(t, bustest.TCP())
	there, here := open(), open()
	for name, buses := range map[string][2]*bus.Bus{"this process": {local, local}, "another process": {there, here}} {
		serve(t, buses[0], double, twice, &request.ServeOptions{Middleware: []bus.Middleware{step("server"), add}})
		cl := newClient(t, buses[1], double, &request.Options{Middleware: []bus.Middleware{step("client")}})
		if got, err := cl.Do(t.Context(), 1); got != 40 || err != nil {
			t.Errorf("%s: %d, %v", name, got, err)
		}
		want := []string{"publish math.double 1 ", "client math.double 1 publish", "subscribe math.double 1 client", "server math.double 1 subscribe"}
		if buses[0] != local {
			want = []string{"client math.double 1 ", "server math.double 1 client"}
		}
		for _, w := range want {
			if got := <-steps; got != w {
				t.Errorf("%s: %q, want %q", name, got, w)
			}
		}
	}
}

// Middleware may refuse, ask again, and change what is sent; one that loses the context is told.
func TestMiddlewareDecides(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	refusal := errors.New("not allowed")
	calls := 0
	decide := bus.Wrap("decide", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			switch m.Header("do") {
			case "refuse":
				return refusal
			case "lose":
				return next(context.Background(), m)
			}
			for range 2 {
				if err := next(ctx, m); err != nil {
					return err
				}
			}
			return nil
		}
	})
	header := func(value string) bus.Middleware {
		return bus.Wrap("header", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				return errors.Join(m.SetHeader("do", value), next(ctx, m))
			}
		})
	}
	serve(t, b, double, func(ctx context.Context, n int) (int, error) {
		calls++
		return 10*n + calls, nil
	}, nil)
	ask := func(do string) (int, error) {
		return newClient(t, b, double, &request.Options{Middleware: []bus.Middleware{header(do), decide}}).Do(t.Context(), 1)
	}
	if n, err := ask("twice"); n != 12 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := ask("refuse"); !errors.Is(err, refusal) {
		t.Error(err)
	}
	lost, _ := errors.AsType[*request.RemoteError](func() error { _, err := ask("lose"); return err }())
	if lost == nil || lost.Code != request.CodeInternal {
		t.Errorf("%v", lost)
	}
}

// A handler may publish, and a subscription's handler may ask.
func TestWithEvents(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	doubled := topic.New[int]("doubled")
	pub, err := publisher.New(b, doubled, nil)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, b, double, func(ctx context.Context, n int) (int, error) { return 2 * n, pub.Publish(ctx, 2*n) }, nil)
	cl := newClient(t, b, double, nil)
	results := bustest.Record(t, b, doubled)
	if _, err := subscriber.New(b, doubled, func(ctx context.Context, e topic.Event[int]) error {
		if e.Value < 100 {
			_, err := cl.Do(ctx, e.Value)
			return err
		}
		return nil
	}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Do(t.Context(), 16); err != nil {
		t.Fatal(err)
	}
	if err := b.Shutdown(patient(t)); err != nil {
		t.Error(err)
	}
	// Shutdown has let the chain come to its end.
	results.ExpectExactly(bustest.Equal(32), bustest.Equal(64), bustest.Equal(128))
}

func TestOptions(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for field, o := range map[string]*request.Options{
		"request.Options.Attempts":           {Attempts: 1001},
		"request.Options.Middleware[0].Wrap": {Middleware: []bus.Middleware{{Name: "empty"}}},
	} {
		_, err := request.NewClient(b, double, o)
		if wrong, ok := errors.AsType[*bus.OptionError](err); !ok || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for field, o := range map[string]*request.ServeOptions{
		"request.ServeOptions.Workers":            {Workers: 1 << 17},
		"request.ServeOptions.Queue":              {Queue: -1},
		"request.ServeOptions.Middleware[0].Wrap": {Middleware: []bus.Middleware{{Name: "empty"}}},
	} {
		_, err := request.Serve(b, double, twice, o)
		if wrong, ok := errors.AsType[*bus.OptionError](err); !ok || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	var none request.Call[int, int]
	_, client := request.NewClient(b, none, nil)
	_, server := request.Serve(b, none, twice, nil)
	_, handler := request.Serve[int, int](b, double, nil, nil)
	for _, err := range []error{client, server, handler} {
		if _, ok := errors.AsType[*bus.OptionError](err); !ok {
			t.Errorf("%v", err)
		}
	}
	if _, err := request.ParseCall[int, int]("a..b"); err == nil {
		t.Error("a bad name was taken")
	}
}
