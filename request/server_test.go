package request_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/rs/zerolog"
)

// failing is a call whose handler does what it is asked.
var failing = request.NewCall[string, string]("test.fail")

func fail(ctx context.Context, how string) (string, error) {
	switch how {
	case "error":
		return "", errors.New("no luck")
	case "own code":
		return "", fmt.Errorf("wrapped: %w", &request.RemoteError{Code: "not-found", Message: "no such thing"})
	case "deadline":
		return "", fmt.Errorf("database: %w", context.DeadlineExceeded)
	case "cancelled":
		return "", context.Canceled
	case "panic":
		panic("oh no")
	case "goexit":
		runtime.Goexit()
	case "long":
		return "", errors.New(strings.Repeat("é", 100_000))
	}
	return how, nil
}

// failures are what comes of that.
var failures = []struct {
	how     string
	code    request.Code
	message string
	is      error
}{
	{"error", request.CodeFailed, "no luck", nil},
	{"own code", "not-found", "no such thing", nil},
	{"deadline", request.CodeDeadline, "database: context deadline exceeded", request.ErrTimeout},
	{"cancelled", request.CodeCancelled, "context canceled", context.Canceled},
	{"panic", request.CodeInternal, "bus: panic in handler: oh no", nil},
	{"goexit", request.CodeInternal, "the handler has ended its goroutine", nil},
	{"long", request.CodeFailed, strings.Repeat("é", 4<<10), nil},
}

func TestRemoteErrors(t *testing.T) {
	t.Parallel()
	log := zerolog.Nop()
	silent := &bus.Options{Logger: &log}
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		local, there, here := bustest.New(t, silent), open(silent), open(silent)
		serve(t, local, failing, fail, nil)
		serve(t, there, failing, fail, nil)
		for where, b := range map[string]*bus.Bus{"this process": local, "another process": here} {
			cl := newClient(t, b, failing, nil)
			for _, want := range failures {
				if want.how == "goexit" && b == local {
					continue // it ends the caller: TestPanicAndGoexit
				}
				_, err := cl.Do(t.Context(), want.how)
				got, _ := errors.AsType[*request.RemoteError](err)
				if got == nil || got.Code != want.code || got.Message != want.message || want.is != nil && !errors.Is(err, want.is) {
					t.Errorf("%s, %s: %.200v", where, want.how, err)
				}
			}
			if got, err := cl.Do(t.Context(), "all well"); got != "all well" || err != nil {
				t.Errorf("%s afterwards: %q, %v", where, got, err)
			}
		}
	})
}

func TestPanicAndGoexit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zerolog.New(&out)
		peers := newFake()
		b := bustest.New(t, &bus.Options{Transport: peers, Logger: &log})
		s := serve(t, b, failing, fail, &request.ServeOptions{Workers: 1})
		ended := make(chan struct{})
		go func() { // a call in this process ends the caller
			defer close(ended)
			_, _ = newClient(t, b, failing, nil).Do(t.Context(), "goexit")
			t.Error("Do has returned")
		}()
		<-ended
		for i, how := range []string{"goexit", "goexit", "panic", "panic", "all well"} {
			payload, status, _ := peers.ask(t, call("test.fail", uint64(i+1), `"`+how+`"`)).outcome(t)
			if want := map[bool]string{true: "", false: "internal"}[how == "all well"]; status != want {
				t.Errorf("%s: %q %s", how, status, payload)
			}
		}
		synctest.Wait()
		if got := s.Stats(); got.Succeeded != 1 || got.Failed != 5 || got.Running != 0 || got.Requests != 6 {
			t.Errorf("%+v", got)
		}
		if text := out.String(); strings.Count(text, "oh no") < 2 || !strings.Contains(text, "server_test.go") || strings.Count(text, "ended its goroutine") != 3 {
			t.Errorf("logged: %s", text)
		}
	})
}

// Codecs call methods of values, and those may panic.
func TestPanickingCodec(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		bad := request.NewCall[int, explosive]("test.bad")
		serve(t, b, bad, func(context.Context, int) (explosive, error) { return explosive{}, nil }, nil)
		if _, status, message := peers.ask(t, call("test.bad", 1, "1")).outcome(t); status != "internal" || !strings.Contains(message, "boom") {
			t.Errorf("%q %q", status, message)
		}
		unfit := request.NewCall[int, chan int]("test.unfit")
		serve(t, b, unfit, func(context.Context, int) (chan int, error) { return make(chan int), nil }, nil)
		if _, status, message := peers.ask(t, call("test.unfit", 2, "1")).outcome(t); status != "internal" || !strings.Contains(message, "does not encode") {
			t.Errorf("%q %q", status, message)
		}
	})
}

type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("boom") }

func TestBadRequests(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		serve(t, b, double, twice, nil)
		if _, status, message := peers.ask(t, call("math.double", 1, "no number")).outcome(t); status != "decode" || !strings.Contains(message, "math.double") {
			t.Errorf("%q %q", status, message)
		}
		if _, status, message := peers.ask(t, call("math.half", 2, "1")).outcome(t); status != "unimplemented" || !strings.Contains(message, "math.half") {
			t.Errorf("%q %q", status, message)
		}
		newer := call("math.double", 3, "1")
		newer.Envelope[4] = 2
		if _, status, message := peers.ask(t, newer).outcome(t); status != "decode" || !strings.Contains(message, "version 2") {
			t.Errorf("%q %q", status, message)
		}
		for _, deadline := range []string{"soon", "-1", "99999999999999999999"} {
			if payload, status, _ := peers.ask(t, call("math.double", 4, "1", "deadline", deadline)).outcome(t); payload != "2" {
				t.Errorf("deadline %s: %q %q", deadline, payload, status)
			}
		}
	})
}

func TestReplyTooLarge(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		serve(t, b, double, twice, nil)
		r := &fakeRequest{message: call("math.double", 1, "1"), refuse: errors.New("too large"), replies: make(chan transport.Message, 1)}
		peers.server.Request(r)
		if _, status, message := r.outcome(t); status != "internal" || message != "too large" {
			t.Errorf("%q %q", status, message)
		}
	})
}

func TestDeadlineTravels(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		serve(t, b, double, func(ctx context.Context, n int) (int, error) {
			deadline, ok := ctx.Deadline()
			if !ok || time.Until(deadline) != 1500*time.Millisecond {
				t.Errorf("%v %v", deadline, ok)
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}, nil)
		begin := time.Now()
		if _, status, _ := peers.ask(t, call("math.double", 1, "1", "deadline", "1500")).outcome(t); status != "deadline" || time.Since(begin) != 1500*time.Millisecond {
			t.Errorf("%q after %v", status, time.Since(begin))
		}
	})
}

func TestClientGone(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		for _, lost := range []bool{true, false} {
			s := serve(t, b, double, bustest.NewCall(t, double, doubled, bustest.Block()).Handle, nil)
			r := peers.ask(t, call("math.double", 1, "1"))
			synctest.Wait()
			r.abandon(lost)
			if _, status, _ := r.outcome(t); status != "cancelled" {
				t.Errorf("%q", status)
			}
			if payload, _, _ := peers.ask(t, call("math.double", 2, "2")).outcome(t); payload != "4" {
				t.Errorf("the server does not serve on: %q", payload)
			}
			_ = s.Close()
		}
		end := call("math.double", 3, "", "kind", "cancel")
		serve(t, b, double, twice, nil)
		if r := peers.ask(t, end); !r.cancelled || len(r.replies) > 0 {
			t.Error("the end of a request was taken for a request")
		}
	})
}

func TestWorkers(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var running, most atomic.Int32
		s := serve(t, b, double, func(_ context.Context, n int) (int, error) {
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			time.Sleep(time.Second)
			running.Add(-1)
			return 2 * n, nil
		}, &request.ServeOptions{Workers: 3})
		begin := time.Now()
		cl := newClient(t, b, double, nil)
		local := make(chan error)
		for range 6 { // callers of this process take turns with the others
			go func() {
				_, err := cl.Do(t.Context(), 1)
				local <- err
			}()
		}
		var remote []*fakeRequest
		for i := range 6 {
			remote = append(remote, peers.ask(t, call("math.double", uint64(i+1), fmt.Sprint(i))))
		}
		for i, r := range remote {
			if payload, status, _ := r.outcome(t); payload != fmt.Sprint(2*i) {
				t.Errorf("%q %q", payload, status)
			}
		}
		for range 6 {
			if err := <-local; err != nil {
				t.Error(err)
			}
		}
		if most.Load() != 3 || time.Since(begin) != 4*time.Second {
			t.Errorf("%d at the same time, %v", most.Load(), time.Since(begin))
		}
		synctest.Wait()
		if got := s.Stats(); got.Succeeded != 12 || got.Requests != 12 {
			t.Errorf("%+v", got)
		}
	})
}

func TestOverloaded(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		handler := bustest.NewCall(t, double, doubled, bustest.Block(), bustest.Block())
		s := serve(t, b, double, handler.Handle, &request.ServeOptions{Workers: 2, Queue: 3})
		var all []*fakeRequest
		for i := range 8 {
			all = append(all, peers.ask(t, call("math.double", uint64(i+1), "1")))
			synctest.Wait()
		}
		if got := s.Stats(); got.Running != 2 || got.Queued != 3 || got.Refused != 3 {
			t.Errorf("%+v", got)
		}
		handler.Release()
		refused := 0
		for _, r := range all {
			switch payload, status, _ := r.outcome(t); {
			case status == "overloaded":
				refused++
			case payload != "2":
				t.Errorf("%q %q", payload, status)
			}
		}
		if refused != 3 {
			t.Errorf("%d refused", refused)
		}
	})
}

func TestExpired(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		handler := bustest.NewCall(t, double, doubled, bustest.Take(time.Second))
		s := serve(t, b, double, handler.Handle, &request.ServeOptions{Workers: 1})
		first := peers.ask(t, call("math.double", 1, "1"))
		late := peers.ask(t, call("math.double", 2, "1", "deadline", "500"))
		given := peers.ask(t, call("math.double", 3, "1"))
		given.abandon(false)
		if payload, status, _ := first.outcome(t); payload != "2" {
			t.Errorf("%q %q", payload, status)
		}
		if _, status, _ := late.outcome(t); status != "deadline" {
			t.Errorf("%q", status)
		}
		if _, status, _ := given.outcome(t); status != "cancelled" {
			t.Errorf("%q", status)
		}
		synctest.Wait()
		if got := s.Stats(); got.Expired != 2 || len(handler.Seen()) != 1 {
			t.Errorf("%+v, handled %v", got, handler.Seen())
		}
	})
}

func TestPlainRequests(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		plain := func(payload ...string) transport.Message {
			m := transport.Message{}
			for _, p := range payload {
				m.Payload = append(m.Payload, []byte(p))
			}
			return m
		}
		other := serve(t, b, failing, fail, nil)
		if payload, _, _ := peers.ask(t, plain("1")).outcome(t); payload != "" {
			t.Errorf("without a default: %q", payload)
		}
		_ = other.Close()
		s := serve(t, b, failing, fail, &request.ServeOptions{Default: true, PlainError: []byte("sorry")})
		for payload, want := range map[string]string{`"a"`: `"a"`, `"error"`: "sorry", `"panic"`: "sorry", `"goexit"`: "sorry", "nonsense": "sorry"} {
			r := peers.ask(t, plain(payload))
			if got, _, _ := r.outcome(t); got != want {
				t.Errorf("%s: %q", payload, got)
			}
		}
		if got, _, _ := peers.ask(t, plain(`"in `, `parts"`)).outcome(t); got != `"in parts"` {
			t.Errorf("%q", got)
		}
		_, err := request.Serve(b, double, twice, &request.ServeOptions{Default: true})
		if wrong, ok := errors.AsType[*bus.OptionError](err); !ok || wrong.Field != "request.ServeOptions.Default" || !strings.Contains(err.Error(), "test.fail") {
			t.Errorf("a second default: %v", err)
		}
		_ = s.Close()
		serve(t, b, double, twice, &request.ServeOptions{Default: true})
		if got, _, _ := peers.ask(t, plain("21")).outcome(t); got != "42" {
			t.Errorf("%q", got)
		}
	})
}

// A plain peer is not told why its request has failed, so the log is.
func TestPlainFailuresAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zerolog.New(&out)
		peers := newFake()
		b := bustest.New(t, &bus.Options{Transport: peers, Logger: &log})
		serve(t, b, failing, fail, &request.ServeOptions{Default: true, Name: "failer"})
		peers.ask(t, transport.Message{Payload: [][]byte{[]byte(`"error"`)}}).outcome(t)
		peers.ask(t, transport.Message{Payload: [][]byte{[]byte(`"all well"`)}}).outcome(t)
		peers.ask(t, call("test.fail", 1, `"own code"`)).outcome(t)
		_ = b.Close()
		<-b.Done()
		if text := out.String(); !strings.Contains(text, "no luck") || !strings.Contains(text, "failer") || strings.Contains(text, "no such thing") {
			t.Errorf("logged: %s", text)
		}
	})
}
