package request_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// A request belongs to the handler that has it: what one does with it is not seen by the handler of the next attempt.
func TestAttemptsShareNoMemory(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		echo := request.NewCall[[]byte, []byte]("test.echo").WithCodec(codec.Raw)
		want := bytes.Repeat([]byte("x"), 100_000)
		there, here := open(), open()
		var runs atomic.Int32
		serve(t, there, echo, func(_ context.Context, b []byte) ([]byte, error) {
			if !bytes.Equal(b, want) {
				t.Error("a handler got what another one has changed")
			}
			clear(b)
			if runs.Add(1) < 3 {
				return nil, &request.RemoteError{Code: request.CodeOverloaded}
			}
			return want, nil
		}, nil)
		reply, err := newClient(t, here, echo, &request.Options{Timeout: patience}).Do(t.Context(), bytes.Clone(want))
		if !bytes.Equal(reply, want) || err != nil || runs.Load() != 3 {
			t.Errorf("%d bytes, %v, %d runs", len(reply), err, runs.Load())
		}
	})
}
