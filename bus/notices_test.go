package bus_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// told collects notices of one kind, and when they came.
type told[N bus.Notice] struct {
	all []N
	at  []time.Time
}

func collectNotices[N bus.Notice](b *bus.Bus) *told[N] {
	c := &told[N]{}
	b.Notices(func(n bus.Notice) {
		if n, ok := n.(N); ok {
			c.all, c.at = append(c.all, n), append(c.at, time.Now())
		}
	})
	return c
}

// nextLine is the last directory, the file and the line after that of who calls it.
func nextLine() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("bus/%s:%d", filepath.Base(file), line+1)
}

// watchdogs counts the goroutines of this bubble that watch handlers.
func watchdogs() (n int) {
	own := make([]byte, 200)
	own = own[:runtime.Stack(own, false)]
	_, bubble, _ := strings.Cut(string(own), ", ")
	bubble, _, _ = strings.Cut(bubble, "]")
	all := make([]byte, 1<<22)
	for _, g := range strings.Split(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if head, frames, _ := strings.Cut(g, "\n"); strings.Contains(head, bubble+"]") && strings.Contains(frames, "lane.(*Roster).look") {
			n++
		}
	}
	return n
}

// A handler that is at one event for SlowAfter is a notice, which says whose it is, where that was made, for how long and how many wait; once for
// each such event. While nobody is told of, nobody watches.
func TestSlowHandler(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]subscriber.Options{"plain": {}, "dropping": {Overflow: bus.DropOldest}, "workers": {Workers: 3}, "group": {Group: "g"}} {
		for _, after := range []time.Duration{0, 5 * time.Second} {
			t.Run(fmt.Sprint(name, " ", after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := bustest.New(t, &bus.Options{SlowAfter: after})
					notices, limit := collectNotices[bus.Slow](b), max(after, time.Second)
					step := make(chan struct{})
					o := o
					o.Name = "stuck"
					where := nextLine()
					_, err := subscriber.New(b, keyed, func(context.Context, topic.Event[string]) error { <-step; return nil }, &o)
					if err != nil {
						t.Fatal(err)
					}
					begin := time.Now()
					publish(t, t.Context(), newPublisher(t, b, keyed), "a1", "a2", "a3", "a4")
					synctest.Wait()
					if watchdogs() != 1 {
						t.Errorf("%d watch a handler", watchdogs())
					}
					for i := range 3 {
						time.Sleep(time.Minute) // virtual
						synctest.Wait()
						if len(notices.all) != i+1 {
							t.Fatalf("after %d slow events: %v", i+1, notices.all)
						}
						n, age := notices.all[i], notices.at[i].Sub(begin)
						if n.Subscription != "stuck" || n.Topic != "" || n.Depth != uint64(3-i) || n.Age < limit || n.Age > age || age > limit+time.Second/2 {
							t.Errorf("after %v: %+v", age, n)
						}
						if n.CallSite != where {
							t.Errorf("made at %s, want %s", n.CallSite, where)
						}
						if watchdogs() != 0 {
							t.Error("the watchdog has told everything and goes on")
						}
						begin = time.Now()
						step <- struct{}{}
						synctest.Wait()
					}
					step <- struct{}{}
					time.Sleep(time.Minute) // virtual
					if synctest.Wait(); len(notices.all) != 3 || watchdogs() != 0 {
						t.Errorf("in the end: %v, %d watchdogs", notices.all, watchdogs())
					}
				})
			})
		}
	}
}

// It is told once although the watchdog goes on for others, of which the quick ones are never told.
func TestSlowBesideQuickHandlers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		notices := collectNotices[bus.Slow](b)
		s := stall(t, b, keyed, &subscriber.Options{Name: "stuck"})
		subscribe(t, b, keyed, func(context.Context, topic.Event[string]) error {
			time.Sleep(800 * time.Millisecond) // the handler's work, in virtual time
			return nil
		}, nil)
		p := newPublisher(t, b, keyed)
		for range 100 {
			publish(t, t.Context(), p, "a1")
		}
		time.Sleep(time.Minute) // virtual
		if synctest.Wait(); len(notices.all) != 1 || notices.all[0].Subscription != "stuck" {
			t.Errorf("%v", notices.all)
		}
		closeStalled(s)
	})
}

// Handlers that are quicker than SlowAfter are no notice, however long they have something to do, and nobody is when it is negative.
func TestQuickHandlers(t *testing.T) {
	t.Parallel()
	for after, took := range map[time.Duration]time.Duration{0: 900 * time.Millisecond, -1: time.Hour, 10 * time.Second: 9 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t, &bus.Options{SlowAfter: after})
			notices := collectNotices[bus.Slow](b)
			for _, o := range []subscriber.Options{{}, {Workers: 2}} {
				subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
					time.Sleep(took) // the handler's work, in virtual time
					return nil
				}, &o)
			}
			publish(t, t.Context(), newPublisher(t, b, numbers), 1, 2, 3, 4, 5, 6)
			time.Sleep(10 * took)
			if synctest.Wait(); len(notices.all) != 0 || watchdogs() != 0 {
				t.Errorf("SlowAfter %v, handlers take %v: %v", after, took, notices.all)
			}
		})
	}
}

// With a negative SlowAfter a Publish that waits is no notice either.
func TestSlowPublishNever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{SlowAfter: -1})
		notices := collectNotices[bus.Slow](b)
		s := stall(t, b, keyed, &subscriber.Options{Queue: 1, BlockTimeout: time.Hour, Name: "slow"})
		p := newPublisher(t, b, keyed)
		publish(t, t.Context(), p, "a1")
		synctest.Wait()
		publish(t, t.Context(), p, "a2")
		isFull(t, p.Publish(t.Context(), "a3"), "slow", time.Hour)
		s.expect(t, 0, "a1", "a2")
		if len(notices.all) > 0 {
			t.Errorf("%v", notices.all)
		}
	})
}

// The handler of a batch is watched as one, and events of a transport as those of the bus.
func TestSlowBatchFromATransport(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		release := make(chan struct{})
		where := nextLine()
		_, err := subscriber.Batch(b, keyed, func(context.Context, []topic.Event[string]) error { <-release; return nil }, &subscriber.BatchOptions{Size: 2})
		if err != nil {
			t.Fatal(err)
		}
		receiveWords(t, f, "a1", "a2", "a3")
		time.Sleep(time.Minute) // virtual
		all := notices()
		if len(all) != 1 {
			t.Fatalf("%v", all)
		}
		if n := all[0].(bus.Slow); n.Depth != 1 || n.Subscription != "keyed" || n.CallSite != where {
			t.Errorf("%+v, want 1 waiting, made at %s", n, where)
		}
		close(release)
	})
}
