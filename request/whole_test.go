package request_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
)

// The time of a request includes that of the middleware around it, also of one that asks again.
func TestTimeoutBoundsMiddleware(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		asked := 0
		peers.connect(func(a *arrival) {
			if !a.cancelled() {
				asked++
			}
		})
		slow := bus.Wrap("slow", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != time.Second {
					t.Errorf("the middleware has until %v", deadline)
				}
				time.Sleep(300 * time.Millisecond)
				return errors.Join(next(ctx, m), next(ctx, m))
			}
		})
		cl := newClient(t, b, double, &request.Options{Timeout: time.Second, Attempts: 1, Middleware: []bus.Middleware{slow}})
		begin := time.Now()
		if _, err := cl.Do(t.Context(), 1); !errors.Is(err, request.ErrTimeout) {
			t.Error(err)
		}
		if took := time.Since(begin); took != time.Second || asked != 1 {
			t.Errorf("it took %v, %d were sent", took, asked)
		}
	})
}
