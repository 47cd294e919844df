package bustest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

var quote = request.NewCall[string, int]("billing.quote")

// priceOf is the answer to most requests.
func priceOf(item string) (int, error) {
	switch item {
	case "":
		return 0, errors.New("no item")
	case "panic":
		panic("no price")
	case "exit":
		runtime.Goexit()
	}
	return len(item), nil
}

func TestCallAnswers(t *testing.T) {
	t.Parallel()
	fake := bustest.NewCall(t, quote, priceOf)
	if price, err := fake.Do(t.Context(), "tea"); price != 3 || err != nil {
		t.Errorf("got %d, %v", price, err)
	}
	if price, err := fake.Handle(t.Context(), "milk"); price != 4 || err != nil {
		t.Errorf("got %d, %v", price, err)
	}
	seen := fake.Wait(2)
	if len(seen) != 2 || seen[0].Event.Value != "tea" || seen[1].Event.Value != "milk" || seen[1].Event.Topic() != "billing.quote" {
		t.Errorf("seen: %v", seen)
	}
	silent := bustest.NewCall(t, quote, nil)
	if price, err := silent.Do(t.Context(), "tea"); price != 0 || err != nil {
		t.Errorf("got %d, %v", price, err)
	}
}

// TestCallFailsLikeATrueOne compares a client whose server is elsewhere with the fake client, in what code can find out about errors.
func TestCallFailsLikeATrueOne(t *testing.T) {
	t.Parallel()
	remote := &request.RemoteError{Code: "out_of_stock", Message: "none left"}
	noReply := &request.NoReplyError{Call: "billing.quote", Reason: request.ErrTimeout, Attempts: 3}
	for name, tc := range map[string]struct {
		err  error
		want string // the error of Do
		is   []error
	}{
		"any":          {errScripted, "request: no stock left (failed)", nil},
		"remote":       {remote, "request: none left (out_of_stock)", nil},
		"wrapped":      {fmt.Errorf("wrapped: %w", remote), "request: none left (out_of_stock)", nil},
		"overloaded":   {&request.RemoteError{Code: request.CodeOverloaded}, "request:  (overloaded)", []error{bus.ErrFull}},
		"timeout":      {request.ErrTimeout, `request: no reply in time to "billing.quote"`, []error{request.ErrTimeout, context.DeadlineExceeded}},
		"no server":    {request.ErrNoServer, `request: no server is connected to "billing.quote"`, []error{request.ErrNoServer}},
		"no reply":     {noReply, `request: no reply in time to "billing.quote", 3 attempts`, []error{request.ErrTimeout, noReply}},
		"closed":       {bus.ErrClosed, "bus: closed", []error{bus.ErrClosed}},
		"its deadline": {context.DeadlineExceeded, "request: context deadline exceeded (deadline)", []error{request.ErrTimeout}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := bustest.NewCall(t, quote, priceOf, bustest.Fail(tc.err))
			price, err := fake.Do(t.Context(), "tea")
			if price != 0 || err == nil || err.Error() != tc.want {
				t.Errorf("got %d, %v, want %v", price, err, tc.want)
			}
			for _, target := range tc.is {
				if !errors.Is(err, target) {
					t.Errorf("%v is not %v", err, target)
				}
			}
			if len(tc.is) == 0 {
				if failure, ok := errors.AsType[*request.RemoteError](err); !ok || failure.Code == "" {
					t.Errorf("%T is not a RemoteError", err)
				}
			}
			if seen := fake.Seen(); len(seen) != 1 || seen[0].Err != tc.err {
				t.Errorf("seen: %v", seen)
			}
		})
	}
}

// TestServerErrorsOfCalls are what a server makes of answers that are none.
func TestServerErrorsOfCalls(t *testing.T) {
	t.Parallel()
	fake := bustest.NewCall(t, quote, priceOf, bustest.Panic("boom"))
	for _, tc := range []struct {
		item string
		code request.Code
	}{
		{"tea", request.CodeInternal}, // by the script
		{"", request.CodeFailed},
		{"panic", request.CodeInternal},
	} {
		_, err := fake.Do(t.Context(), tc.item)
		if failure, ok := errors.AsType[*request.RemoteError](err); !ok || failure.Code != tc.code {
			t.Errorf("%q: got %v", tc.item, err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := fake.Do(context.Background(), "exit")
		t.Errorf("Do returns %v", err)
	}()
	<-done
	seen := fake.Wait(4)
	if seen[0].Panic != "boom" || seen[1].Err == nil || seen[2].Panic != "no price" || seen[3].Err == nil || seen[3].Err.Error() != "bustest: the goroutine has ended" {
		t.Errorf("seen: %v", seen)
	}
}

// TestCallHasNoTimeoutButThatOfTheContext blocks for a day.
func TestCallHasNoTimeoutButThatOfTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := bustest.NewCall(t, quote, priceOf, bustest.Take(24*time.Hour), bustest.Always(bustest.Block()))
		if price, err := fake.Do(t.Context(), "tea"); price != 3 || err != nil {
			t.Errorf("got %d, %v", price, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := fake.Do(ctx, "tea")
		if _, ok := errors.AsType[*request.NoReplyError](err); !ok || !errors.Is(err, request.ErrTimeout) {
			t.Errorf("got %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err = fake.Do(ctx, "tea"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		time.AfterFunc(time.Second, fake.Release)
		if price, err := fake.Do(t.Context(), "milk"); price != 4 || err != nil {
			t.Errorf("got %d, %v", price, err)
		}
	})
}

// TestFakeServer serves a true client.
func TestFakeServer(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	fake := bustest.NewCall(t, quote, priceOf, bustest.FailTimes(1, errScripted), bustest.Fail(request.ErrNoServer))
	if _, err := request.Serve(b, quote, fake.Handle, nil); err != nil {
		t.Fatal(err)
	}
	client, err := request.NewClient(b, quote, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"request: no stock left (failed)", "<nil>", "request: request: no server is connected (failed)"} {
		if _, err := client.Do(t.Context(), "tea"); fmt.Sprint(err) != want {
			t.Errorf("request %d: %v, want %v", i+1, err, want)
		}
	}
	if seen := fake.Seen(); len(seen) != 3 || seen[1].Number != 2 || seen[2].Number != 1 {
		t.Errorf("seen: %v", seen)
	}
}

func TestFailuresOfCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := faketb.Run(t, func(t testing.TB) {
			fake := bustest.NewCall(t, quote, priceOf, bustest.Fail(request.ErrTimeout))
			if _, err := fake.Do(t.Context(), "tea"); !errors.Is(err, request.ErrTimeout) {
				t.Errorf("got %v", err)
			}
			fake.Wait(2)
		}).Failures
		want := "1 of 2 requests have ended after 10s; seen:\n\t+0s billing.quote#0 tea, attempt 1: failed in 0s: request: no reply in time"
		if failures != want {
			t.Errorf("failures %q, want %q", failures, want)
		}
	})
	failures := faketb.Run(t, func(t testing.TB) { bustest.NewCall(t, request.Call[string, int]{}, nil) }).Failures
	if want := `a fake of call "": request.Serve call is "", it must be one made by package request, with a codec`; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}
