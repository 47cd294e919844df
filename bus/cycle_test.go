package bus_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// Sentence 4: waiting could never end either when the workers that do not wait have nothing that they may take, because all that waits is of
// keys that are being handled: those workers had nothing to do in the first place, or run out of it later.
func TestPublishFromHandlerOfKeyNeverDeadlocks(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"idle": false, "busy": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				p := newPublisher(t, b, numbers)
				var refusal error
				begun := make(chan struct{})
				s := subscribe(t, b, numbers, func(ctx context.Context, e topic.Event[int]) error {
					switch e.Value {
					case 0:
						time.Sleep(time.Second) // the other worker's work, in virtual time
					case 1:
						<-begun
						refusal = p.Publish(ctx, 3, publisher.Key("k"))
					}
					return nil
				}, &subscriber.Options{Queue: 1, Workers: 2})
				if busy {
					publish(t, t.Context(), p, 0)
					synctest.Wait()
				}
				for _, v := range []int{1, 2} {
					if err := p.Publish(t.Context(), v, publisher.Key("k")); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				close(begun)
				time.Sleep(time.Minute)
				synctest.Wait()
				var cycle *bus.CycleError
				if stats := s.Stats(); !errors.As(refusal, &cycle) || stats.Queued+stats.Running > 0 {
					t.Errorf("%v, %+v", refusal, stats)
				}
			})
		})
	}
}

// Sentence 4: the handlers of a member that has left a group are not those that its queue waits for.
func TestPublishFromHandlerThatHasLeftItsGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		p := newPublisher(t, b, numbers)
		var members [2]*subscriber.Subscription
		var first atomic.Int32
		release, result := make(chan struct{}), make(chan error, 1)
		for i := range members {
			members[i] = subscribe(t, b, numbers, func(ctx context.Context, e topic.Event[int]) error {
				if e.Value > 2 {
					return nil
				}
				if !first.CompareAndSwap(0, 1) {
					<-release
					return nil
				}
				synctest.Wait() // the other one has its event
				if err := members[i].Close(); err != nil {
					t.Error(err)
				}
				publish(t, ctx, p, 3)
				result <- p.Publish(context.WithoutCancel(ctx), 4)
				return nil
			}, &subscriber.Options{Group: "g", Queue: 1})
		}
		publish(t, t.Context(), p, 1, 2)
		time.Sleep(time.Second)
		close(release)
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}
