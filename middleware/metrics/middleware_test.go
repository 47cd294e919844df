package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// message returns the message of an event on a topic in a chain of p.
func message(p *bus.Party, on string, published time.Time) *bus.Message {
	e := topic.NewEvent("two pencils", topic.Metadata{Topic: on, Time: published})
	m := bus.NewMessage(p, created.Codec())
	m.Reset(e.Meta(), &e, &e.Value)
	return m
}

func party(t testing.TB, r bus.Role) *bus.Party {
	return &bus.Party{Bus: bustest.New(t, &bus.Options{Name: "shop"}), Role: r, Name: "stock"}
}

// of returns the series of a metric that chains of party have for the topic.
func of(metric string, r bus.Role, on string) string {
	return fmt.Sprintf(`fanfare_handler_%s{bus="shop",name="stock",role="%v",topic=%q}`, metric, r, on)
}

// What a handler does passes unchanged, and is counted once as what it is. A panic and the end of the goroutine are errors.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	errInline := &bus.InlineError{Topic: "orders.created", Err: errNoStock}
	for name, tc := range map[string]struct {
		role             bus.Role
		do               func() error
		errors, filtered float64
	}{
		"nil":                     {bus.RoleSubscriber, func() error { return nil }, 0, 0},
		"error":                   {bus.RoleWorker, func() error { return errNoStock }, 1, 0},
		"filtered":                {bus.RoleServer, func() error { return fmt.Errorf("odd: %w", bus.ErrFiltered) }, 0, 1},
		"panic":                   {bus.RoleSubscriber, func() error { panic("on purpose") }, 1, 0},
		"panic of nil":            {bus.RoleSubscriber, func() error { panic(nil) }, 1, 0},
		"goexit":                  {bus.RoleSubscriber, func() error { runtime.Goexit(); return nil }, 1, 0},
		"publish panics":          {bus.RolePublisher, func() error { panic("on purpose") }, 1, 0},
		"publish exits":           {bus.RoleClient, func() error { runtime.Goexit(); return nil }, 1, 0},
		"delivered":               {bus.RolePublisher, func() error { return errors.Join(errInline, errInline) }, 0, 0},
		"delivered to another":    {bus.RolePublisher, func() error { return &bus.InlineError{Topic: "orders.cancelled", Err: errNoStock} }, 1, 0},
		"handler has not handled": {bus.RoleSubscriber, func() error { return errInline }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, r := newMetrics(t, nil)
			h := bus.Chain(func(context.Context, *bus.Message) error { return tc.do() }, m.Middleware())
			passed := message(party(t, tc.role), "orders.created", time.Time{})
			got, want := outcome(tc.do), outcome(func() error { return h(context.Background(), passed) })
			if got != want {
				t.Errorf("inside %s, outside %s", got, want)
			}
			expect(t, name, gather(t, r), map[string]float64{
				of("errors_total", tc.role, "orders.created"):           tc.errors,
				of("filtered_total", tc.role, "orders.created"):         tc.filtered,
				of("running", tc.role, "orders.created"):                0,
				of("duration_seconds_count", tc.role, "orders.created"): 1,
			})
		})
	}
}

// outcome says what f does, in a goroutine that may end.
func outcome(f func() error) (what string) {
	var done sync.WaitGroup
	done.Go(func() {
		what = "goexit"
		defer func() {
			if v := recover(); v != nil {
				what = fmt.Sprint("panic: ", v)
			}
		}()
		what = fmt.Sprint("returned: ", f())
	})
	done.Wait()
	return what
}

// Attempts are counted when the last one has ended, even by a panic.
func TestRetriesBeforeAPanic(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	h := bus.Chain(func(_ context.Context, m *bus.Message) error {
		m.SetAttempt(4)
		panic("the last time")
	}, m.Middleware())
	passed := message(party(t, bus.RoleSubscriber), "orders.created", time.Time{})
	if got := outcome(func() error { return h(t.Context(), passed) }); got != "panic: the last time" {
		t.Error(got)
	}
	expect(t, "after it", gather(t, r), map[string]float64{of("retries_total", bus.RoleSubscriber, "orders.created"): 3})
}

// An event that was set aside is an error, though none comes back, and counted apart.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	setAside := errors.New("no stock left")
	h := bus.Chain(func(_ context.Context, m *bus.Message) error {
		m.SetAside(setAside)
		return nil
	}, m.Middleware())
	if err := h(t.Context(), message(party(t, bus.RoleSubscriber), "orders.created", time.Time{})); err != nil {
		t.Error(err)
	}
	expect(t, "after it", gather(t, r), map[string]float64{
		of("errors_total", bus.RoleSubscriber, "orders.created"): 1, of("dead_letters_total", bus.RoleSubscriber, "orders.created"): 1,
	})
}

// Events without a time have no lag, those from a clock that is ahead have none that is negative, and what is sent has none at all.
func TestLag(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	send := func(role bus.Role, published time.Time) {
		h := bus.Chain(nothing, m.Middleware())
		if err := h(t.Context(), message(party(t, role), "orders.created", published)); err != nil {
			t.Error(err)
		}
	}
	count, sum := of("lag_seconds_count", bus.RoleWorker, "orders.created"), of("lag_seconds_sum", bus.RoleWorker, "orders.created")
	send(bus.RoleWorker, time.Time{})
	expect(t, "no time", gather(t, r), map[string]float64{count: 0})
	send(bus.RoleWorker, time.Now().Add(time.Hour))
	expect(t, "time to come", gather(t, r), map[string]float64{count: 1, sum: 0})
	send(bus.RoleWorker, time.Now().Add(-time.Hour))
	if got := gather(t, r); got[count] != 2 || got[sum] < 3600 || got[sum] > 3700 {
		t.Errorf("an hour ago: %v of %v s", got[count], got[sum])
	}
	send(bus.RoleProducer, time.Now().Add(-time.Hour))
	if _, is := gather(t, r)[of("lag_seconds_count", bus.RoleProducer, "orders.created")]; is {
		t.Error("a producer has a lag")
	}
}

// However wide apart what it measures is, a native histogram has 160 buckets at most, and loses nothing.
func TestNativeBucketsAreBounded(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	p, h := party(t, bus.RoleSubscriber), bus.Chain(nothing, m.Middleware())
	const many = 250
	for i := range many {
		lag := time.Duration(float64(time.Millisecond) * math.Pow(1.1, float64(i)))
		if err := h(t.Context(), message(p, "orders.created", time.Now().Add(-lag))); err != nil {
			t.Error(err)
		}
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "fanfare_handler_lag_seconds" {
			continue
		}
		lag, sum := f.GetMetric()[0].GetHistogram(), int64(0)
		buckets := nativeBuckets(lag)
		for _, n := range buckets {
			sum += n
		}
		if len(buckets) < 80 || len(buckets) > 160 || sum != many {
			t.Errorf("%d buckets with %d events, want 80 to 160 with %d", len(buckets), sum, many)
		}
		return
	}
	t.Error("there is no lag")
}

// A chain that sees more than a thousand topics has series of its own for a thousand of them, and one for the others, from any goroutine.
func TestTopicsAreBounded(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	p, h := party(t, bus.RoleSubscriber), bus.Chain(nothing, m.Middleware())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 1250 {
				if err := h(context.Background(), message(p, fmt.Sprintf("topic %d", i), time.Time{})); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	counts := map[float64]int{}
	got := gather(t, r)
	maps.DeleteFunc(got, func(series string, _ float64) bool {
		return !strings.HasPrefix(series, "fanfare_handler_duration_seconds_count")
	})
	for _, n := range got {
		counts[n]++
	}
	if want := map[float64]int{4: 1000, 1000: 1}; !maps.Equal(counts, want) {
		t.Errorf("how many series have how many events: %v, want %v", counts, want)
	}
	expect(t, "others", got, map[string]float64{of("duration_seconds_count", bus.RoleSubscriber, "other"): 1000})
}

// Topics of plain peers are any bytes, and labels are not.
func TestTopicThatIsNoText(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	p, h := party(t, bus.RoleSubscriber), bus.Chain(nothing, m.Middleware())
	for _, on := range []string{"a\xff", "a\xfe", "", "a\n\x00"} {
		if err := h(t.Context(), message(p, on, time.Time{})); err != nil {
			t.Error(err)
		}
	}
	got := gather(t, r)
	for on, n := range map[string]float64{"a\uFFFD": 2, "": 1, "a\n\x00": 1} {
		expect(t, "any bytes", got, map[string]float64{of("duration_seconds_count", bus.RoleSubscriber, on): n})
	}
}

// A batch that fails is no error of the middleware, which sees its events come into it.
func TestBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, r := newMetrics(t, nil)
		b := bustest.New(t, &bus.Options{Name: "shop", Subscribe: []bus.Middleware{m.Middleware()}})
		m.Watch(b)
		fail := func(context.Context, []topic.Event[string]) error { return errNoStock }
		o := &subscriber.BatchOptions{Options: subscriber.Options{Name: "stock"}, Size: 2, Linger: time.Hour}
		if _, err := subscriber.Batch(b, created, fail, o); err != nil {
			t.Fatal(err)
		}
		p, err := publisher.New(b, created, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := p.PublishBatch(t.Context(), []string{"two pencils", "a notebook"}); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		synctest.Wait()
		expect(t, "after the batch", gather(t, r), map[string]float64{
			of("duration_seconds_count", bus.RoleSubscriber, "orders.created"):                                         2,
			of("errors_total", bus.RoleSubscriber, "orders.created"):                                                   0,
			`fanfare_subscription_delivered_total{bus="shop",name="stock",outcome="failed",selector="orders.created"}`: 2,
		})
	})
}
