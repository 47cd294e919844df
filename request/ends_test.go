package request_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// side is a bus that asks and serves at the same time.
type side struct {
	bus    *bus.Bus
	client *request.Client[int, int]
}

// connected returns two buses, each of which serves a call that the other one asks for.
func connected(t *testing.T, endpoint func() string) [2]side {
	t.Helper()
	calls := [2]request.Call[int, int]{request.NewCall[int, int]("test.left"), request.NewCall[int, int]("test.right")}
	left, tr := join(t, zmq.Options{Serve: zmq.Bind(endpoint()), Request: zmq.Bind(endpoint())})
	right, _ := join(t, zmq.Options{Request: zmq.Connect(tr.Bound().Serve...), Serve: zmq.Connect(tr.Bound().Request...)})
	sides := [2]side{{bus: left}, {bus: right}}
	for i := range sides {
		sides[i].client = newClient(t, sides[i].bus, calls[1-i], &request.Options{Timeout: 200 * time.Millisecond})
		serve(t, sides[i].bus, calls[i], func(ctx context.Context, n int) (int, error) {
			select { // some take their time
			case <-time.After(time.Duration(n%3) * time.Millisecond):
			case <-ctx.Done():
				return 0, ctx.Err()
			}
			return 2 * n, nil
		}, &request.ServeOptions{Idempotent: request.Idempotent(100)})
	}
	return sides
}

// Two buses that ask each other end, in either order or at the same time, while others go on asking: every call returns, with a reply or an
// error that says why.
func TestBothSidesEnd(t *testing.T) {
	t.Parallel()
	ends := map[string]func(b *bus.Bus) error{
		"Shutdown": func(b *bus.Bus) error {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			return b.Shutdown(ctx)
		},
		"Close": (*bus.Bus).Close,
	}
	for first, endFirst := range ends {
		for second, endSecond := range ends {
			for _, together := range []bool{false, true} {
				t.Run(first+second, func(t *testing.T) {
					t.Parallel()
					for range 3 {
						sides := connected(t, func() string { return anyPort })
						var all, finished sync.WaitGroup
						for _, s := range sides {
							for range 4 {
								finished.Add(1)
								all.Go(func() {
									first := true
									for {
										_, err := s.client.Do(t.Context(), rand.N(100))
										if first {
											first = false
											finished.Done()
										}
										if err == bus.ErrClosed {
											return
										}
										var refused *request.RemoteError
										if err != nil && !errors.As(err, &refused) && !errors.Is(err, request.ErrTimeout) && !errors.Is(err, request.ErrNoServer) {
											t.Error(err)
										}
									}
								})
							}
						}
						finished.Wait()
						var ending sync.WaitGroup
						ending.Go(func() {
							if err := endFirst(sides[0].bus); err != nil && (first == second || !together) { // else the other one may have hung up
								t.Errorf("first: %v", err)
							}
						})
						if !together {
							ending.Wait()
						}
						if err := endSecond(sides[1].bus); err != nil && first == second {
							t.Errorf("second: %v", err)
						}
						ending.Wait()
						<-sides[0].bus.Done()
						<-sides[1].bus.Done()
						all.Wait()
					}
				})
			}
		}
	}
}
