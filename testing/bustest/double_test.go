package bustest_test

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// handling calls Handle in a goroutine.
func handling(ctx context.Context, sub *bustest.Subscriber[string], id string) (result <-chan error) {
	c := make(chan error, 1)
	go func() { c <- sub.Handle(ctx, withID(id)) }()
	return c
}

func TestBlockUntilRelease(t *testing.T) {
	t.Parallel()
	sub := bustest.NewSubscriber[string](t, bustest.Always(bustest.Block()))
	first := handling(t.Context(), sub, "a")
	sub.WaitRunning(1)
	second := handling(t.Context(), sub, "b")
	sub.WaitRunning(2)
	third := handling(t.Context(), sub, "c")
	if running := sub.WaitRunning(3); len(running) != 3 || !running[0].Running() || running[2].Event.ID() != "c" {
		t.Errorf("running: %v", running)
	}
	sub.ReleaseNext(0)
	sub.ReleaseNext(1)
	if err := <-first; err != nil {
		t.Errorf("released with %v", err)
	}
	if seen := sub.Wait(1); len(seen) != 1 || seen[0].Event.ID() != "a" {
		t.Errorf("the one that was blocked for longest is to be released first, and not %v", seen)
	}
	sub.Release()
	for _, result := range []<-chan error{second, third} {
		if err := <-result; err != nil {
			t.Errorf("released with %v", err)
		}
	}
	if seen := sub.Seen(); len(seen) != 3 || seen[2].Running() || seen[2].Err != nil {
		t.Errorf("seen: %v", seen)
	}
}

func TestBlockUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	sub := bustest.NewSubscriber[string](t, bustest.Always(bustest.Block()))
	ctx, cancel := context.WithCancel(t.Context())
	first := handling(ctx, sub, "a")
	sub.WaitRunning(1)
	second := handling(t.Context(), sub, "b")
	sub.WaitRunning(2)
	cancel()
	if err := <-first; err != context.Canceled {
		t.Errorf("got %v", err)
	}
	sub.Wait(1)
	sub.ReleaseNext(1) // the other one: the first is not counted any more
	if err := <-second; err != nil {
		t.Errorf("got %v", err)
	}
}

// TestReleaseNextManyTimes does not wait for those that were released to end.
func TestReleaseNextManyTimes(t *testing.T) {
	t.Parallel()
	const calls = 100
	sub := bustest.NewSubscriber[string](t, bustest.Always(bustest.Block()))
	for range calls {
		handling(t.Context(), sub, "a")
	}
	sub.WaitRunning(calls)
	for range calls {
		sub.ReleaseNext(1)
	}
	if seen := sub.Wait(calls); len(seen) != calls {
		t.Errorf("%d have ended", len(seen))
	}
}

// TestTake is exact to the nanosecond, in a bubble.
func TestTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sub := bustest.NewSubscriber[string](t, bustest.Take(5*time.Second), bustest.Take(time.Hour), bustest.Take(0))
		if err := sub.Handle(t.Context(), withID("a")); err != nil {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := sub.Handle(ctx, withID("b")); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		if err := sub.Handle(t.Context(), withID("c")); err != nil {
			t.Errorf("got %v", err)
		}
		want := []time.Duration{5 * time.Second, time.Minute, 0}
		for i, a := range sub.Seen() {
			if took := a.End.Sub(a.Begin); took != want[i] {
				t.Errorf("%v took %v, want %v", a, took, want[i])
			}
		}
	})
}

func TestPanicIsSeen(t *testing.T) {
	t.Parallel()
	sub := bustest.NewSubscriber[string](t, bustest.Panic("boom"))
	for range 2 {
		func() {
			defer func() {
				if v := recover(); v != "boom" {
					t.Errorf("recovered %v", v)
				}
			}()
			t.Errorf("Handle returns %v", sub.Handle(t.Context(), withID("a")))
		}()
	}
	for i, a := range sub.Seen() {
		if a.Panic != "boom" || a.Err != nil || a.Running() || a.Number != i+1 {
			t.Errorf("seen: %v", a)
		}
	}
}

// TestTheEndReleases what is blocked, or takes time, and what comes later.
func TestTheEndReleases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sub *bustest.Subscriber[string]
		var blocked, taking <-chan error
		begin := time.Now()
		failures := faketb.Run(t, func(t testing.TB) {
			sub = bustest.NewSubscriber[string](t, bustest.Block(), bustest.Take(time.Hour), bustest.Always(bustest.Block()))
			blocked = handling(context.Background(), sub, "a")
			sub.WaitRunning(1)
			taking = handling(context.Background(), sub, "b")
			sub.WaitRunning(2)
		}).Failures
		late := handling(context.Background(), sub, "c")
		for _, result := range []<-chan error{blocked, taking, late} {
			if err := <-result; err != nil {
				t.Errorf("released with %v", err)
			}
		}
		if took := time.Since(begin); failures != "" || took != 0 {
			t.Errorf("failures %q after %v", failures, took)
		}
	})
}

func TestWaitOfFakesWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sub := bustest.NewSubscriber[string](t, bustest.Take(9*time.Second))
		begin := time.Now()
		handling(t.Context(), sub, "a")
		seen := sub.Wait(1)
		if took := time.Since(begin); len(seen) != 1 || took != 9*time.Second {
			t.Errorf("%v after %v", seen, took)
		}
		if seen = sub.Wait(0); len(seen) != 1 {
			t.Errorf("Wait returns %v", seen)
		}
	})
}

// TestFailuresOfFakes proves what helpers say that cannot do what they are to do.
func TestFailuresOfFakes(t *testing.T) {
	t.Parallel()
	const seen = "seen:" +
		"\n\t+0s orders.created#0 of a, attempt 1: failed in 0s: no stock left" +
		"\n\t+1s orders.created#0 of a, attempt 2: succeeded in 0s" +
		"\n\t+1s orders.created#0 of b, attempt 1: panicked in 0s: boom" +
		"\n\t+1s orders.created#0 of c, attempt 1: succeeded in 1.5s" +
		"\n\t+2.5s orders.created#0 of d, attempt 1: is running"
	for name, tc := range map[string]struct {
		fail func(sub *bustest.Subscriber[string])
		want string
	}{
		"Wait":        {func(sub *bustest.Subscriber[string]) { sub.Wait(6) }, "4 of 6 calls have ended after 10s; " + seen},
		"WaitRunning": {func(sub *bustest.Subscriber[string]) { sub.WaitRunning(2) }, "1 of 2 calls are running after 10s; " + seen},
		"ReleaseNext": {func(sub *bustest.Subscriber[string]) { sub.ReleaseNext(2) }, "1 of 2 calls to release are blocked; " + seen},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var last <-chan error
				failures := faketb.Run(t, func(t testing.TB) {
					sub := bustest.NewSubscriber[string](t,
						bustest.FailTimes(1, errScripted), bustest.Panic("boom"), bustest.Take(1500*time.Millisecond), bustest.Block())
					<-handling(t.Context(), sub, "a")
					time.Sleep(time.Second)
					<-handling(t.Context(), sub, "a")
					func() {
						defer func() { _ = recover() }()
						_ = sub.Handle(t.Context(), withID("b"))
					}()
					<-handling(t.Context(), sub, "c")
					last = handling(context.WithoutCancel(t.Context()), sub, "d") // it is the end of the test that lets it go on
					sub.WaitRunning(1)
					tc.fail(sub)
					t.Errorf("it goes on after its failure")
				}).Failures
				if failures != tc.want {
					t.Errorf("failures %q, want %q", failures, tc.want)
				}
				if err := <-last; err != nil {
					t.Errorf("the call that was blocked has failed: %v", err)
				}
			})
		})
	}
}

func TestReleaseOfNothing(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		bustest.NewSubscriber[string](t).Release()
		t.Errorf("it goes on after its failure")
	}).Failures
	if want := "0 of 1 calls to release are blocked; nothing was called"; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

// TestFailuresListNotEverything has more calls than anybody reads.
func TestFailuresListNotEverything(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		sub := bustest.NewSubscriber[string](t)
		for i := range 103 {
			if err := sub.Handle(t.Context(), withID(fmt.Sprint(i))); err != nil {
				t.Errorf("%v", err)
			}
		}
		sub.Release()
	}).Failures
	if lines := strings.Split(failures, "\n"); len(lines) != 102 || lines[101] != "\tand 3 more" {
		t.Errorf("%d lines: %q", len(lines), failures)
	}
}

// TestFailuresAreAtTheLineOfTheCaller has every helper fail that can: each in a function of one line.
func TestFailuresAreAtTheLineOfTheCaller(t *testing.T) {
	t.Parallel()
	bad := bustest.Fail(nil)
	for name, fail := range map[string]func(t testing.TB){
		"NewSubscriber": func(t testing.TB) { bustest.NewSubscriber[string](t, bad) },
		"NewPublisher":  func(t testing.TB) { bustest.NewPublisher(t, orders, bad) },
		"NewCall":       func(t testing.TB) { bustest.NewCall(t, quote, nil, bad) },
		"NewTask":       func(t testing.TB) { bustest.NewTask(t, resize, bad) },
		"no topic":      func(t testing.TB) { bustest.NewPublisher(t, topic.Topic[string]{}) },
		"no call":       func(t testing.TB) { bustest.NewCall(t, request.Call[string, int]{}, nil) },
		"no task":       func(t testing.TB) { bustest.NewTask(t, pipeline.Task[string]{}) },
		"Release":       func(t testing.TB) { bustest.NewSubscriber[string](t).Release() },
		"ReleaseNext":   func(t testing.TB) { bustest.NewSubscriber[string](t).ReleaseNext(1) },
		"WaitRunning":   func(t testing.TB) { bustest.NewSubscriber[string](t).WaitRunning(1) },
		"Wait":          func(t testing.TB) { bustest.NewSubscriber[string](t).Wait(1) },
		"Wait events":   func(t testing.TB) { bustest.NewPublisher(t, orders).Wait(1) },
		"Wait requests": func(t testing.TB) { bustest.NewCall(t, quote, nil).Wait(1) },
		"WaitTasks":     func(t testing.TB) { bustest.NewTask(t, resize).WaitTasks(1) },
		"OnWait":        func(t testing.TB) { bustest.NewTask(t, resize).OnWait(bad) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pc := reflect.ValueOf(fail).Pointer()
			file, line := runtime.FuncForPC(pc).FileLine(pc)
			want := fmt.Sprintf("%s:%d", filepath.Base(file), line)
			synctest.Test(t, func(t *testing.T) {
				if got := faketb.Run(t, fail); got.Failures == "" || got.Where != want {
					t.Errorf("failure %q at %q, want %q", got.Failures, got.Where, want)
				}
			})
		})
	}
}

// TestScriptsAreUsedAtTheEnd has a bus that was made before its fake, and so ends after it, with everything still queued.
func TestScriptsAreUsedAtTheEnd(t *testing.T) {
	t.Parallel()
	for range 50 {
		failures := faketb.Run(t, func(t testing.TB) {
			b := bustest.New(t)
			fake := bustest.NewSubscriber[string](t, bustest.Succeed(), bustest.Succeed(), bustest.Succeed())
			subscribe(t, b, fake.Handle, nil)
			publish(t, b, orders, "a", "b", "c")
		}).Failures
		if failures != "" {
			t.Fatal(failures)
		}
	}
}

// TestAlwaysNeedNotBeUsed has the last of a script that is for any number of events, and any number of attempts.
func TestAlwaysNeedNotBeUsed(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		bustest.NewSubscriber[string](t, bustest.Always(bustest.Block()))
		fake := bustest.NewSubscriber[string](t, bustest.Always(bustest.FailTimes(2, errScripted)))
		_ = fake.Handle(t.Context(), withID("a"))
	}).Failures
	if failures != "" {
		t.Errorf("failures %q", failures)
	}
}

// TestFailTimesToItsEnd has an event that is not tried again as often as the script has it fail.
func TestFailTimesToItsEnd(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]string{
		1: "a fake subscriber: FailTimes(2, no stock left) was not tried again after attempt 1; seen:",
		2: "a fake subscriber: FailTimes(2, no stock left) was not tried again after attempt 2; seen:",
		3: "",
	} {
		for _, id := range []string{"", "a"} {
			t.Run(fmt.Sprintf("%d attempts, ID %q", attempts, id), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					failures := faketb.Run(t, func(t testing.TB) {
						fake := bustest.NewSubscriber[string](t, bustest.FailTimes(2, errScripted))
						for range attempts {
							_ = fake.Handle(t.Context(), withID(id))
						}
					}).Failures
					if (failures == "") != (want == "") || !strings.HasPrefix(failures, want) {
						t.Errorf("failures %q, want %q", failures, want)
					}
				})
			})
		}
	}
}
