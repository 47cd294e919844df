package subscriber_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// A body that panics, or ends its goroutine, closes the subscription.
func TestEventsBodyThatFails(t *testing.T) {
	for what, fail := range map[string]func(){"panic": func() { panic(errNo) }, "goexit": runtime.Goexit} {
		t.Run(what, func(t *testing.T) {
			looping(t, func(t *testing.T, b *bus.Bus, _ *diary[string]) {
				bustest.AllowUndelivered(t, b)
				var recovered any
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					defer func() { recovered = recover() }()
					for range subscriber.Events(t.Context(), b, numbers, nil) {
						fail()
					}
				}()
				synctest.Wait()
				publish(t, newPublisher(t, b), 1, 2, 3)
				<-ended
				if n := subscribers(t, b); n != 0 || (what == "panic") != (recovered == errNo) {
					t.Errorf("%d subscriptions left, recovered %v", n, recovered)
				}
				shutdown(t, b)
			})
		})
	}
}

// A publish in the body is one from outside: it may wait for the loop's own queue, until its context ends. Shutdown refuses it.
func TestPublishInTheBody(t *testing.T) {
	looping(t, func(t *testing.T, b *bus.Bus, d *diary[string]) {
		bustest.AllowUndelivered(t, b)
		p := newPublisher(t, b)
		ended := loops(subscriber.Events(t.Context(), b, numbers, &subscriber.Options{Queue: 2}), func(e topic.Event[int], err error) bool {
			if err != nil {
				return false
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for range 2 {
				if err := p.Publish(ctx, e.Value+1); err != nil {
					d.note(err.Error())
				}
			}
			return e.Value < 2
		})
		publish(t, p, 0)
		<-ended
		if got := d.all(); !slices.Equal(got, []string{context.DeadlineExceeded.Error(), context.DeadlineExceeded.Error(), context.DeadlineExceeded.Error()}) {
			t.Errorf("%v at %v", got, d.when())
		}
	})
}

// A loop may be a member of a group. Breaking out of it hands on whatever the loop has not got.
func TestEventsOfAGroup(t *testing.T) {
	t.Parallel()
	for range 200 { // the loop's worker might be quicker
		synctest.Test(t, eventsOfAGroup)
	}
}

func eventsOfAGroup(t *testing.T) {
	b := bustest.New(t)
	d := newDiary[string]()
	breaks, release := make(chan struct{}), make(chan struct{})
	o := &subscriber.Options{Group: "g"}
	ended := loops(subscriber.Events(t.Context(), b, numbers, o), func(e topic.Event[int], err error) bool {
		noted(d, e, err)
		<-breaks
		return false
	})
	p := newPublisher(t, b)
	publish(t, p, 1)
	synctest.Wait()
	other := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
		<-release
		return nil
	}, o)
	publish(t, p, 2, 3, 4, 5)
	synctest.Wait()
	close(breaks)
	<-ended
	close(release)
	shutdown(t, b)
	if got := d.all(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the loop got %v", got)
	}
	expect(t, "the other member", other.Stats(), subscriber.Stats{Succeeded: 4})
}

// Each loop over one value is a subscription of its own.
func TestTwoLoopsOverOneValue(t *testing.T) {
	looping(t, func(t *testing.T, b *bus.Bus, d *diary[string]) {
		bustest.AllowUndelivered(t, b)
		seq := subscriber.Events(t.Context(), b, numbers, nil)
		if n := subscribers(t, b); n != 0 {
			t.Errorf("%d subscriptions before any loop", n)
		}
		var ends []<-chan struct{}
		for last := range 2 {
			ends = append(ends, loops(seq, func(e topic.Event[int], err error) bool {
				noted(d, e, err)
				return e.Value <= last
			}))
		}
		publish(t, newPublisher(t, b), 1, 2)
		for _, ended := range ends {
			<-ended
		}
		if got := slices.Sorted(slices.Values(d.all())); !slices.Equal(got, []string{"1", "1", "2"}) {
			t.Errorf("%v", got)
		}
	})
}

func TestEventsOptionsOutsideTheirLimits(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for want, o := range map[string]*subscriber.Options{
		"subscriber.Options.Workers is 2, it must be left alone for Events":       {Workers: 2},
		"subscriber.Options.Inline is true, it must be left alone for Events":     {Inline: true},
		"subscriber.Options.Queue is -5, it must be 1 to 16777216, or 0 for 1024": {Queue: -5},
		"subscriber.Options.Workers is -1, it must be 1 to 65536, or 0 for 1":     {Workers: -1},
		`subscriber.Options.LocalGroup is true, it must be false without Group`:   {LocalGroup: true},
	} {
		n := 0
		for _, err := range subscriber.Events(t.Context(), b, numbers, o) {
			var option *bus.OptionError
			if n++; !errors.As(err, &option) || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if n != 1 {
			t.Errorf("%d turns for %+v", n, o)
		}
	}
}
