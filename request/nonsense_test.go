package request_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
)

// brittle is an error whose methods panic when it is nil.
type brittle struct{ text string }

func (e *brittle) Error() string { return e.text }
func (e *brittle) Unwrap() error { return errors.New(e.text) }

// Errors that are nil pointers, or panic when they are asked, end neither the worker nor the caller.
func TestErrorsThatPanic(t *testing.T) {
	nothing := request.NewCall[string, int]("test.nothing")
	handler := func(_ context.Context, how string) (int, error) {
		if how == "own" {
			return 0, (*request.RemoteError)(nil)
		}
		return 0, (*brittle)(nil)
	}
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		s := serve(t, b, nothing, handler, nil)
		cl := newClient(t, b, nothing, nil)
		for i, how := range []string{"own", "other"} {
			if _, status, message := peers.ask(t, call("test.nothing", uint64(i+1), `"`+how+`"`)).outcome(t); status != "internal" || message == "" {
				t.Errorf("%s: %q %q", how, status, message)
			}
			_, err := cl.Do(t.Context(), how)
			if failed, ok := err.(*request.RemoteError); !ok || failed == nil || failed.Code != request.CodeInternal {
				t.Errorf("%s: %T", how, err)
			}
		}
		if got := s.Stats(); got.Failed != 4 {
			t.Errorf("%+v", got)
		}
	})
}
