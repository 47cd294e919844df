package bus_test

import (
	"hash/fnv"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"
)

// What the property tests have in common: a world is a bus whose publishers and handlers write down what happens to them, so that what the
// bus says can be held against it.

// world is a bus and what has happened on it.
type world struct {
	t      failer
	bus    *bus.Bus
	pubs   []*publisher.Publisher[item]
	gate   chan struct{} // what blocks waits for this
	wg     sync.WaitGroup
	ids    atomic.Int64
	budget atomic.Int64 // how many events handlers may still publish

	mu            sync.Mutex
	moment        int // counts what is written down
	events        map[int]*publication
	subs          []*tracked
	shares        map[string]*share
	cycles, fulls int
	spares        []spec // of subscriptions that handlers make
	ending        bool
	calm          bool // nothing ends but handlers: who waits in a Publish at the moment of a refusal waits for good
}

// failer is where failures go: a testing.T or a rapid.T.
type failer interface {
	Errorf(format string, args ...any)
}

func newWorld(t failer, o bus.Options) *world {
	log := zerolog.New(io.Discard)
	o.Logger = &log
	b, err := bus.New(&o)
	if err != nil {
		panic(err)
	}
	w := &world{t: t, bus: b, gate: make(chan struct{}), events: map[int]*publication{}, shares: map[string]*share{}}
	w.budget.Store(100)
	for _, name := range places {
		p, err := publisher.New(b, topic.New[item](name).WithKey(func(i item) string { return i.Key }), nil)
		if err != nil {
			panic(err)
		}
		w.pubs = append(w.pubs, p)
	}
	return w
}

// now returns the next moment. The caller holds mu.
func (w *world) now() int {
	w.moment++
	return w.moment
}

// hash mixes numbers: what handlers do depends on the subscription and the event alone.
func hash(numbers ...int) int {
	h := fnv.New32a()
	for _, n := range numbers {
		_, _ = h.Write([]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	}
	return int(h.Sum32() >> 1)
}

// close closes a subscription, unless others are to remain in its group and there are none.
func (w *world) close(m *tracked, others bool) {
	s := m.sub.Load()
	w.mu.Lock()
	if m.open == 0 || others && m.share.members < 2 {
		w.mu.Unlock()
		return
	}
	if m.closing == 0 {
		m.closing = w.now()
		m.share.members--
		m.share.moved = true
		m.share.abandoned = m.share.abandoned || m.share.members == 0
	}
	w.mu.Unlock()
	switch {
	case m.cancel != nil:
		m.cancel()
	case s == nil: // it could not be made
	default:
		if err := s.Close(); err != nil {
			w.t.Errorf("closing %s: %v", m.name, err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.closed == 0 {
		m.closed = w.now()
	}
}

// end notes that the bus is about to end.
func (w *world) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = true
	for _, m := range w.subs {
		m.share.moved = true
	}
}

// all returns the subscriptions so far.
func (w *world) all() []*tracked {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.subs)
}

// pending reports whether a publish is under way. The caller holds mu.
func (w *world) pending() bool {
	for _, p := range w.events {
		if p.end == 0 {
			return true
		}
	}
	return false
}

// over checks what holds at the end.
func (w *world) over() {
	w.await(w.bus.Done(), "the end of the bus")
	for _, m := range w.all() {
		if s := m.sub.Load(); s != nil {
			w.await(s.Done(), "the end of "+m.name)
			if st := s.Stats(); st.Queued+st.Running > 0 {
				w.t.Errorf("%s at the end: %+v", m.name, st)
			}
		} else if m.Kind == loop {
			w.await(m.finished, "the end of "+m.name)
		}
	}
	published := make(chan struct{})
	go func() { w.wg.Wait(); close(published) }()
	w.await(published, "the end of all publishes")
	w.settled()
}

// patience bounds what would otherwise hang, in virtual time.
const patience = 10 * time.Minute

func (w *world) await(event <-chan struct{}, what string) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-event:
	case <-timer.C:
		w.t.Errorf("never: %s\n%s", what, bubble())
	}
}

// bubble returns the stacks of the goroutines in the caller's bubble.
func bubble() string {
	stacks := make([]byte, 1<<20)
	all := strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n")
	_, name, _ := strings.Cut(all[0], "synctest bubble ")
	name, _, _ = strings.Cut(name, "]")
	return strings.Join(slices.DeleteFunc(all, func(s string) bool {
		header, _, _ := strings.Cut(s, "\n")
		return !strings.Contains(header, "synctest bubble "+name)
	}), "\n\n")
}

// check is rapid.Check several times over: schedules are cheap, and what they are to find is rare. For more see -rapid.checks.
func check(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	for range 5 {
		rapid.Check(t, property)
	}
}

// spoken says the first failure on the test's own log: rapid shows only that of the last run, which may be another one.
type spoken struct {
	failer
	outer *testing.T
	said  *atomic.Bool
}

func (s spoken) Errorf(format string, args ...any) {
	if s.said.CompareAndSwap(false, true) {
		s.outer.Logf("the first failure: "+format, args...)
	}
	s.failer.Errorf(format, args...)
}
