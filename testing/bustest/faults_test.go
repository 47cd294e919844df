package bustest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

var numbered = topic.New[int]("numbers")

// faultyBuses returns buses that are connected, by the names that the faults know them by.
func faultyBuses(t testing.TB, f *bustest.Faults, n transporttest.Network, names ...string) (buses []*bus.Bus) {
	t.Helper()
	open := n.Open(t)
	for _, name := range names {
		buses = append(buses, bustest.New(t, &bus.Options{Name: name, Transport: f.Wrap(name, open())}))
	}
	return buses
}

// publishNumbers publishes the numbers from first to last.
func publishNumbers(t testing.TB, pub *publisher.Publisher[int], first, last int) {
	t.Helper()
	for i := first; i <= last; i++ {
		if err := pub.Publish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}

func newPublisher[T any](t testing.TB, b *bus.Bus, to topic.Topic[T], o *publisher.Options) *publisher.Publisher[T] {
	t.Helper()
	pub, err := publisher.New(b, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

// valuesOf returns what was recorded.
func valuesOf(r *bustest.Recorder[int]) (values []int) {
	for _, e := range r.All() {
		values = append(values, e.Value)
	}
	return values
}

// upTo returns the numbers from first to last.
func upTo(first, last int) (numbers []int) {
	for i := first; i <= last; i++ {
		numbers = append(numbers, i)
	}
	return numbers
}

// numbersIn returns the numbers of those lines of the log that begin with a text.
func numbersIn(t testing.TB, log []string, prefix string) (numbers []int) {
	t.Helper()
	for _, line := range log {
		rest, found := strings.CutPrefix(line, prefix+" #")
		if !found {
			continue
		}
		var n int
		if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		numbers = append(numbers, n)
	}
	return numbers
}

func TestDroppedEventsAreGaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Drop: 0.3})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		var gaps []int
		buses[1].Notices(func(n bus.Notice) {
			if g, ok := n.(bus.Gap); ok {
				gaps = append(gaps, upTo(int(g.From), int(g.To))...)
			}
		})
		got := bustest.Record(t, buses[1], numbered)
		publishNumbers(t, newPublisher(t, buses[0], numbered, nil), 1, 300)
		synctest.Wait()

		values, dropped := valuesOf(got), numbersIn(t, f.Log(), "billing dropped numbers")
		if len(dropped) < 50 || len(dropped) > 140 || f.Stats().Dropped != uint64(len(dropped)) {
			t.Fatalf("%d of 300 events were dropped, %d counted", len(dropped), f.Stats().Dropped)
		}
		if all := slices.Sorted(slices.Values(append(slices.Clone(values), dropped...))); !slices.Equal(all, upTo(1, 300)) {
			t.Errorf("received and dropped: %v", all)
		}
		shown := slices.DeleteFunc(dropped, func(n int) bool { return n < values[0] || n > values[len(values)-1] })
		if !slices.Equal(gaps, shown) || buses[1].Stats().Lost != uint64(len(shown)) {
			t.Errorf("gaps %v, want %v; %d counted", gaps, shown, buses[1].Stats().Lost)
		}
		if s := buses[1].Stats(); s.Transport.Received != uint64(len(values)) || s.Received != uint64(len(values)) {
			t.Errorf("the transport counts %d received, the bus %d, there were %d", s.Transport.Received, s.Received, len(values))
		}
	})
}

func TestDuplicatedEventsComeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Duplicate: 0.5})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		got := bustest.Record(t, buses[1], numbered)
		publishNumbers(t, newPublisher(t, buses[0], numbered, nil), 1, 200)
		synctest.Wait()
		if values := valuesOf(got); !slices.Equal(values, upTo(1, 200)) {
			t.Errorf("received %v", values)
		}
		if n, s := f.Stats().Duplicated, buses[1].Stats(); n < 50 || n > 150 || s.Duplicate != n || s.Transport.Received != 200+n {
			t.Errorf("%d events were duplicated, the bus has dropped %d, the transport received %d", n, s.Duplicate, s.Transport.Received)
		}
	})
}

func TestDelayedEventsStayInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Seed: 3, Delay: time.Second})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		got := bustest.Record(t, buses[1], numbered)
		pub := newPublisher(t, buses[0], numbered, nil)
		publishNumbers(t, pub, 1, 1)
		synctest.Wait()
		if values := valuesOf(got); len(values) > 0 {
			t.Errorf("received %v at once", values)
		}
		got.Wait(1)
		publishNumbers(t, pub, 2, 100)
		began := time.Now()
		got.Wait(100)
		if values := valuesOf(got); !slices.Equal(values, upTo(1, 100)) {
			t.Errorf("received %v", values)
		}
		if late := time.Since(began); late > time.Second {
			t.Errorf("the last one came after %v", late)
		}
		if n := f.Stats().Delayed; n < 99 {
			t.Errorf("%d events were delayed", n)
		}
	})
}

// TestSlowReaderHoldsItsPeersBack has a queue of 1000 events at the sender fill.
func TestSlowReaderHoldsItsPeersBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Read: time.Second})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		bustest.AllowUndelivered(t, buses[0]) // its transport has no room in the end
		got := bustest.Record(t, buses[1], numbered)
		pub := newPublisher(t, buses[0], numbered, nil)
		publishNumbers(t, pub, 1, 3)
		for n := 1; n <= 3; n++ {
			synctest.Wait()
			if values := valuesOf(got); !slices.Equal(values, upTo(1, n)) {
				t.Errorf("after %d s received %v", n-1, values)
			}
			time.Sleep(time.Second)
		}
		publishNumbers(t, pub, 4, 2000)
		if dropped := buses[0].Stats().Transport.Dropped; dropped < 900 {
			t.Errorf("the transport of a slow reader's peer has dropped %d of 1997 events", dropped)
		}
	})
}

// faultsOf returns what a plan does to the same events.
func faultsOf(t *testing.T, p bustest.Plan) (log []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, p)
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "stock", "billing")
		for _, b := range buses {
			bustest.Record(t, b, topic.NewPrefix[int](""))
		}
		for _, b := range buses {
			for _, to := range []topic.Topic[int]{numbered, topic.New[int]("others")} {
				pub := newPublisher(t, b, to, nil)
				go func() {
					if n, err := pub.PublishBatch(t.Context(), upTo(1, 100)); err != nil {
						t.Errorf("%d events published: %v", n, err)
					}
				}()
			}
		}
		synctest.Wait()
		time.Sleep(p.Delay)
		synctest.Wait()
		log = slices.Sorted(slices.Values(f.Log()))
	})
	return log
}

func TestSeedReplaysTheFaults(t *testing.T) {
	t.Parallel()
	plan := bustest.Plan{Seed: 1, Drop: 0.1, Duplicate: 0.1, Delay: time.Second}
	first := faultsOf(t, plan)
	if len(first) < 100 {
		t.Fatalf("only %d faults: %q", len(first), first)
	}
	if again := faultsOf(t, plan); !slices.Equal(first, again) {
		t.Errorf("the same seed has %q, and then %q", first, again)
	}
	plan.Seed = 2
	if other := faultsOf(t, plan); slices.Equal(first, other) {
		t.Error("another seed has the same faults")
	}
}

func TestStepsAreTakenInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Steps: []bustest.Step{
			{At: 3 * time.Second, Kill: "billing"}, {At: 2 * time.Second, Heal: "billing"}, {At: time.Second, Partition: "billing"},
		}})
		time.Sleep(time.Hour) // they count from Wrap
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		for i, want := range []bustest.FaultStats{{}, {Partitions: 1}, {Partitions: 1, Heals: 1}, {Partitions: 1, Heals: 1, Kills: 1}} {
			synctest.Wait()
			if s := f.Stats(); s != want {
				t.Errorf("after %d s %+v, want %+v", i, s, want)
			}
			time.Sleep(time.Second)
		}
		if err := newPublisher(t, buses[0], numbered, nil).WaitSubscribers(t.Context(), 0); err != nil {
			t.Error(err)
		}
	})
}

func TestUnknownNamesFailTheTest(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*bustest.Faults){
		"partition": func(f *bustest.Faults) { f.Partition("biling") },
		"heal":      func(f *bustest.Faults) { f.Heal("biling") },
		"kill":      func(f *bustest.Faults) { f.Kill("biling") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failures := faketb.Run(t, func(t testing.TB) {
				f, open := bustest.NewFaults(t, bustest.Plan{}), bustest.Memory().Open(t)
				defer f.Wrap("shop", open()).Close()
				defer f.Wrap("billing", open()).Close()
				do(f)
				t.Errorf("it goes on")
			}).Failures
			if want := `the name of a transport of bustest.Faults is "biling", it must be one of ["billing" "shop"]`; failures != want {
				t.Errorf("failures %q, want %q", failures, want)
			}
		})
	}
}

func TestStepsOfUnknownNamesFailTheTest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := faketb.Run(t, func(t testing.TB) {
			f := bustest.NewFaults(t, bustest.Plan{Steps: []bustest.Step{{At: time.Second, Kill: "biling"}}})
			defer f.Wrap("billing", bustest.Memory().Open(t)()).Close()
			time.Sleep(2 * time.Second)
		}).Failures
		if want := `the step at 1s: the name of a transport of bustest.Faults is "biling", it must be one of ["billing"]`; failures != want {
			t.Errorf("failures %q, want %q", failures, want)
		}
	})
}

func TestNamesAreUsedAgainAfterTheEnd(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		f, open := bustest.NewFaults(t, bustest.Plan{}), bustest.Memory().Open(t)
		f.Wrap("billing", open()).Close()
		defer f.Wrap("billing", open()).Close()
		second := open()
		defer second.Close()
		f.Wrap("billing", second)
	}).Failures
	if want := `bustest.Faults: a transport is to be called "billing", it must be a name that no other one has`; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

// Each optional interface by itself.
type (
	aRetainer struct {
		transport.Transport
		retainerOnly
	}
	retainerOnly interface {
		PublishRetained(m *transport.Message, key string, limit int) error
	}
	aRequester struct {
		transport.Transport
		requesterOnly
	}
	requesterOnly interface {
		Exchange(woken chan<- struct{}) (transport.Exchange, error)
		Servers() int
		Unserved() []string
		Serve(s transport.Server) error
	}
	aTasker struct {
		transport.Transport
		taskerOnly
	}
	taskerOnly interface {
		Pushes() bool
		Pulls() bool
		TaskLimit() int
		FrameLimit() int
		Produce(s transport.TaskSource) (release func(), err error)
		Work(s transport.TaskSink) (release func(), err error)
	}
)

func TestWrapKeepsTheInterfaces(t *testing.T) {
	t.Parallel()
	f, open := bustest.NewFaults(t, bustest.Plan{}), bustest.Inproc().Open(t)
	base := open()
	retainer, requester, tasker := base.(transport.Retainer), base.(transport.Requester), base.(transport.Tasker)
	plain := struct{ transport.Transport }{base}
	for i, tr := range []transport.Transport{
		plain,
		aRetainer{plain, retainer},
		aRequester{plain, requester},
		aTasker{plain, tasker},
		struct {
			transport.Transport
			retainerOnly
			requesterOnly
		}{plain, retainer, requester},
		struct {
			transport.Transport
			retainerOnly
			taskerOnly
		}{plain, retainer, tasker},
		struct {
			transport.Transport
			requesterOnly
			taskerOnly
		}{plain, requester, tasker},
		base,
	} {
		other := open()
		wrapped := f.Wrap(fmt.Sprint(i), tr)
		has := func(tr transport.Transport) string {
			_, r := tr.(transport.Retainer)
			_, q := tr.(transport.Requester)
			_, k := tr.(transport.Tasker)
			return fmt.Sprint("retainer ", r, ", requester ", q, ", tasker ", k)
		}
		if got, want := has(wrapped), has(tr); got != want {
			t.Errorf("%d: wrapped %s, it is %s", i, got, want)
		}
		defer wrapped.Close()
		other.Close()
	}
}

func TestNetworkWithFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{})
		n := f.Network(bustest.Memory())
		open := n.Open(t)
		a, b := bustest.New(t, &bus.Options{Transport: open()}), bustest.New(t, &bus.Options{Transport: open()})
		got := bustest.Record(t, b, numbered)
		pub := newPublisher(t, a, numbered, nil)
		publishNumbers(t, pub, 1, 1)
		f.Partition("2")
		publishNumbers(t, pub, 2, 2)
		f.Heal("2")
		publishNumbers(t, pub, 3, 3)
		synctest.Wait()
		if values := valuesOf(got); n.Name != "memory" || !slices.Equal(values, []int{1, 3}) {
			t.Errorf("over %s received %v", n.Name, values)
		}
		if log := f.Log(); !slices.Contains(log, "2 lost numbers #2 from 1 in the partition") {
			t.Errorf("log %q", log)
		}
	})
}
