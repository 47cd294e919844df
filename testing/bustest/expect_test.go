package bustest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// equal returns a matcher for each value.
func equal(values ...string) (matchers []bustest.Matcher[string]) {
	for _, v := range values {
		matchers = append(matchers, bustest.Equal(v))
	}
	return matchers
}

// values returns those of events.
func values(events []bustest.Seen[string]) (all []string) {
	for _, s := range events {
		all = append(all, s.Value)
	}
	return all
}

// recording runs a test of a recorder in a bubble, and returns the failures.
func recording(t *testing.T, test func(t testing.TB, b *bus.Bus, got *bustest.Recorder[string])) (failures string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		failures = faketb.Run(t, func(t testing.TB) {
			b := bustest.New(t)
			test(t, b, bustest.Record(t, b, orders))
		}).Failures
	})
	return failures
}

func TestExpectations(t *testing.T) {
	t.Parallel()
	type recorder = *bustest.Recorder[string]
	expect := func(want ...string) func(recorder) { return func(r recorder) { r.Expect(equal(want...)...) } }
	exactly := func(want ...string) func(recorder) { return func(r recorder) { r.ExpectExactly(equal(want...)...) } }
	none := func(want ...string) func(recorder) { return func(r recorder) { r.ExpectNone(equal(want...)...) } }
	for name, tc := range map[string]struct {
		published []string // a second apart
		steps     []func(recorder)
		want      string // the failure
	}{
		"in order among others": {[]string{"a", "b", "c", "d"}, []func(recorder){expect("a", "c")}, ""},
		"one after the other":   {[]string{"a", "b", "a"}, []func(recorder){expect("a"), expect("a")}, ""},
		"nothing":               {nil, []func(recorder){exactly(), none(), none("a")}, ""},
		"exactly":               {[]string{"a", "b"}, []func(recorder){exactly("a", "b"), exactly(), none()}, ""},
		"exactly the rest":      {[]string{"a", "b", "c"}, []func(recorder){expect("b"), exactly("c")}, ""},
		"none of these":         {[]string{"a", "b"}, []func(recorder){none("c", "d"), expect("a", "b")}, ""},
		"none after":            {[]string{"a", "b"}, []func(recorder){expect("b"), none("a", "b")}, ""},

		"out of order": {[]string{"a", "b"}, []func(recorder){expect("b", "a")}, "1 of 2 expected events came within 10s:\n" +
			"\t+0s\torders.created#1 a\tis not 1. b: the value is \"a\", want \"b\"\n" +
			"\t+1s\torders.created#2 b\tis 1. b\n" +
			"\tmissing\t2. a"},
		"too late": {[]string{"a", "b"}, []func(recorder){expect("a"), expect("a")}, "0 of 1 expected event came within 10s:\n" +
			"\t+0s\torders.created#1 a\twas passed before\n" +
			"\t+1s\torders.created#2 b\tis not 1. a: the value is \"b\", want \"a\"\n" +
			"\tmissing\t1. a"},
		"never": {nil, []func(recorder){expect("a")}, "0 of 1 expected event came within 10s:\n\tmissing\t1. a"},
		"one more": {[]string{"a", "b"}, []func(recorder){exactly("a")}, "2 events came, expected exactly 1:\n" +
			"\t+0s\torders.created#1 a\tis 1. a\n" +
			"\t+1s\torders.created#2 b\twas not expected"},
		"one less": {[]string{"a"}, []func(recorder){exactly("a", "b")}, "1 event came within 10s, expected exactly 2:\n" +
			"\t+0s\torders.created#1 a\tis 1. a\n" +
			"\tmissing\t2. b"},
		"another": {[]string{"a"}, []func(recorder){exactly("b")}, "1 event came, expected exactly 1:\n" +
			"\t+0s\torders.created#1 a\tis not 1. b: the value is \"a\", want \"b\""},
		"any at all": {[]string{"a", "b"}, []func(recorder){expect("a"), none()}, "1 event came, not expected:\n" +
			"\t+1s\torders.created#2 b\twas not expected"},
		"both of these are one": {[]string{"a"}, []func(recorder){none("a", "a")}, "1 event came, not expected:\n" +
			"\t+0s\torders.created#1 a\tis 1. a"},
		"one of these": {[]string{"a", "b", "a"}, []func(recorder){none("c", "a")}, "2 events came, not expected:\n" +
			"\t+0s\torders.created#1 a\tis 2. a\n" +
			"\t+2s\torders.created#3 a\tis 2. a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failures := recording(t, func(t testing.TB, b *bus.Bus, got recorder) {
				for i, v := range tc.published {
					if i > 0 {
						time.Sleep(time.Second)
					}
					publish(t, b, orders, v)
					synctest.Wait()
				}
				for _, step := range tc.steps {
					step(got)
				}
			})
			if failures != tc.want {
				t.Errorf("failures\n%s\nwant\n%s", failures, tc.want)
			}
		})
	}
}

func TestExpectReturnsWhatItExpected(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	got := bustest.Record(t, b, orders)
	publish(t, b, orders, "a", "b", "c", "d", "e")
	if found := values(got.Expect(equal("b", "d")...)); !slices.Equal(found, []string{"b", "d"}) {
		t.Errorf("Expect returned %q", found)
	}
	if found := values(got.ExpectExactly(equal("e")...)); !slices.Equal(found, []string{"e"}) {
		t.Errorf("ExpectExactly returned %q", found)
	}
	if all := values(got.Seen()); !slices.Equal(all, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("Seen returned %q", all)
	}
	if last := got.Last().Value; last != "e" {
		t.Errorf("Last returned %q", last)
	}
}

// TestExpectWaits has events that come one after the other while Expect waits.
func TestExpectWaits(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(t testing.TB, b *bus.Bus, got *bustest.Recorder[string]) {
		for i, v := range []string{"a", "b", "c"} {
			time.AfterFunc(time.Duration(i+1)*3*time.Second, func() { publish(t, b, orders, v) })
		}
		began := time.Now()
		if s := got.Expect(equal("a", "c")...); s[1].After != 9*time.Second || time.Since(began) != 9*time.Second {
			t.Errorf("%v after %v", s, time.Since(began))
		}
	})
	if failures != "" {
		t.Error(failures)
	}
}

// TestExpectNoneKnowsWhatWasPublished is outside of a bubble: what was published before has been recorded, however slowly.
func TestExpectNoneKnowsWhatWasPublished(t *testing.T) {
	t.Parallel()
	const n = 500
	failures := faketb.Run(t, func(t testing.TB) {
		b := bustest.New(t)
		got := bustest.Record(t, b, orders)
		for i := range n {
			publish(t, b, orders, fmt.Sprint(i))
		}
		got.ExpectNone(equal("x")...)
		if all := got.All(); len(all) != n {
			t.Errorf("%d of %d events were looked at", len(all), n)
		}
	}).Failures
	if failures != "" {
		t.Error(failures)
	}
}

// TestExpectExactlyKnowsWhatWasPublished has more events than the recorder has got when the first one is there.
func TestExpectExactlyKnowsWhatWasPublished(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{bus.Wrap("yield", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				runtime.Gosched()
				return next(ctx, m)
			}
		})}})
		got := bustest.Record(t, b, orders)
		all := make([]string, 1000)
		publish(t, b, orders, all...)
		got.ExpectExactly(equal("")...)
	}).Failures
	if want := "1000 events came, expected exactly 1:\n\t(900 lines before)\n"; !strings.HasPrefix(failures, want) {
		t.Errorf("failures %.100q, want %q", failures, want)
	}
}

// TestExpectNoneWaitsForHandlers has a handler that publishes what is not expected: in a bubble that is waited for.
func TestExpectNoneWaitsForHandlers(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(t testing.TB, b *bus.Bus, got *bustest.Recorder[string]) {
		begun := topic.New[string]("orders.begun")
		_, err := subscriber.New(b, begun, func(_ context.Context, e topic.Event[string]) error {
			publish(t, b, orders, "because of "+e.Value)
			return nil
		}, nil)
		if err != nil {
			t.Fatalf("%v", err)
		}
		publish(t, b, begun, "a")
		got.ExpectNone()
	})
	if want := "1 event came, not expected:\n\t+0s\torders.created#1 because of a\twas not expected"; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

// TestNothingIsDroppedForRecorders has a slow recorder of events of another bus, which other subscriptions drop for lack of room.
func TestNothingIsDroppedForRecorders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := memory.NewNetwork(&memory.Options{HWM: -1})
		here := bustest.New(t, &bus.Options{Transport: network.Join()})
		there := bustest.New(t, &bus.Options{Transport: network.Join(), Subscribe: []bus.Middleware{
			bus.Wrap("slow", func(next bus.Handler) bus.Handler {
				return func(ctx context.Context, m *bus.Message) error {
					time.Sleep(time.Millisecond)
					return next(ctx, m)
				}
			}),
		}})
		got := bustest.Record(t, there, orders)
		publish(t, here, orders, make([]string, 3000)...)
		got.Wait(3000)
	})
}

// TestExpectNoneWithMiddlewareOfTheBus has middleware around the recorder that lets an event not pass: it is not waited for.
func TestExpectNoneWithMiddlewareOfTheBus(t *testing.T) {
	t.Parallel()
	b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{bus.Wrap("sieve", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if m.Seq() > 1 {
				return bus.ErrFiltered
			}
			return next(ctx, m)
		}
	})}})
	got := bustest.Record(t, b, orders)
	publish(t, b, orders, "a", "b", "c")
	got.ExpectExactly(equal("a")...)
	got.ExpectNone()
}

// TestRecordShowsWhatDoesNotDecode has an event of another type on the topic.
func TestRecordShowsWhatDoesNotDecode(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(t testing.TB, b *bus.Bus, got *bustest.Recorder[string]) {
		pub, err := publisher.New(b, topic.New[int]("orders.created"), nil)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if err := pub.Publish(t.Context(), 7); err != nil {
			t.Fatalf("%v", err)
		}
		got.Wait(1)
	})
	const want = "0 of 1 event came within 10s:\n\tnot recorded\tbus: event \"orders.created\"#1 does not decode"
	if len(failures) < len(want) || failures[:len(want)] != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

// TestMatchersMayAskTheRecorder has a matcher that looks at what else was recorded, and one that fails the test.
func TestMatchersMayAskTheRecorder(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(t testing.TB, b *bus.Bus, got *bustest.Recorder[string]) {
		publish(t, b, orders, "a", "b")
		got.Expect(bustest.Where("the second", func(topic.Event[string]) bool { return len(got.All()) == 2 }))
		got.Expect(bustest.Where("none", func(topic.Event[string]) bool {
			t.Fatalf("the matcher's own")
			return false
		}))
	})
	if failures != "the matcher's own" {
		t.Errorf("failures %q", failures)
	}
}

// TestExpectExactlyIsQuick does not wait for a second event when the first one is wrong already: by the clock of the bubble not a moment.
func TestExpectExactlyIsQuick(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(t testing.TB, b *bus.Bus, got *bustest.Recorder[string]) {
		publish(t, b, orders, "a")
		began := time.Now()
		defer func() {
			if took := time.Since(began); took > 0 {
				t.Errorf("after %v", took)
			}
		}()
		got.ExpectExactly(equal("b", "c")...)
	})
	want := "1 event came, expected exactly 2:\n\t+0s\torders.created#1 a\tis not 1. b: the value is \"a\", want \"b\"\n\tmissing\t2. c"
	if failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

func TestExpectWithoutMatchers(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(_ testing.TB, _ *bus.Bus, got *bustest.Recorder[string]) { got.Expect() })
	if want := "Expect has no matchers, so it expects nothing"; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

// TestExpectAfterTheEnd does not wait for what cannot come: by the clock of the bubble not a moment.
func TestExpectAfterTheEnd(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(t testing.TB, b *bus.Bus, got *bustest.Recorder[string]) {
		publish(t, b, orders, "a")
		if err := b.Shutdown(t.Context()); err != nil {
			t.Errorf("%v", err)
		}
		began := time.Now()
		defer func() {
			if took := time.Since(began); took > 0 {
				t.Errorf("after %v", took)
			}
		}()
		got.Expect(equal("a")...)
		got.Expect(equal("b")...)
	})
	want := "0 of 1 expected event came before the subscription ended:\n\t+0s\torders.created#1 a\twas passed before\n\tmissing\t1. b"
	if failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

func TestLastOfNothing(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(_ testing.TB, _ *bus.Bus, got *bustest.Recorder[string]) { got.Last() })
	if want := "no event has been recorded"; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

// TestRecordersShareATest has subtests that run at the same time, each with a recorder of its own on one bus.
func TestRecordersShareATest(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			own := topic.New[string](fmt.Sprintf("orders.%d", i))
			got := bustest.Record(t, b, own)
			for range 50 {
				publish(t, b, own, "a", "b")
				got.ExpectExactly(equal("a", "b")...)
			}
		})
	}
}

// TestAnotherHandlerDoesNotHoldExpectUp has a subscription beside the recorder that does nothing.
func TestAnotherHandlerDoesNotHoldExpectUp(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	got := bustest.Record(t, b, orders)
	release := make(chan struct{})
	_, err := subscriber.New(b, orders, func(context.Context, topic.Event[string]) error {
		<-release
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, orders, "a")
	got.ExpectExactly(equal("a")...)
	close(release)
}
