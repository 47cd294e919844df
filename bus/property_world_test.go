package bus_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"
)

// What the property tests have in common: a world is a bus whose publishers and handlers write down what happens to them, so that what the
// bus says can be held against it.

// item is what they publish.
type item struct {
	ID, Hops int
	Key      string
}

// Other Go types that subscribe to the same topics: one that decodes, and one that never does.
type (
	foreign  struct{ ID, Hops int }
	mistyped struct{ ID string }
)

// The topics of a world, and how many selectors there are: each of them, two prefixes, two patterns.
var places = []string{"a.x", "a.y", "b.x", "b.y", "c.x", "c.y"}

const selectors = 10

func selectorOf[T any](i int) topic.Selector[T] {
	switch i - len(places) {
	case 0:
		return topic.NewPrefix[T]("a.")
	case 1:
		return topic.NewPrefix[T]("")
	case 2:
		return topic.NewPattern[T]("*.x")
	case 3:
		return topic.NewPattern[T](">")
	}
	return topic.New[T](places[i])
}

// act is what a handler does with an event.
type act int

const (
	succeeds act = iota
	fails
	filters
	panics
	exits
	blocks     // until it is released
	works      // for some milliseconds
	publishes  // with its context
	spreads    // publishes from several goroutines that it waits for
	detaches   // publishes with a context that is not a handler's, and a deadline
	outlasts   // publishes with its context, but without its end
	leaves     // leaves a group that goes on, then outlasts
	closesSelf // closes its own subscription
	closesOne  // closes another one
	joins      // makes one more subscription
	shuts      // calls Shutdown
	ends       // calls Close
)

// kind is a kind of subscription.
type kind int

const (
	single kind = iota
	batch
	inline
	loop
)

// spec describes a subscription.
type spec struct {
	Kind                kind
	Selector, Type      int
	Workers, Queue      int
	Overflow            bus.Overflow
	Timeout             time.Duration
	Group               string
	Size                int
	Linger              time.Duration
	Chain               bool // has middleware
	Acts                []act
	Seed, Fanout, Floor int // what its handlers publish: so many events each, to topics from the Floor on
}

func (s *spec) blocking() bool {
	return s.Kind != inline && (s.Overflow == 0 || s.Overflow == bus.Block)
}

func (s *spec) lossless() bool { return s.Kind == inline || s.blocking() || s.Overflow == bus.Fail }

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

// publication is one call of Publish.
type publication struct {
	on, begin, end int // moments; end 0: it has not returned
	delivered      bool
	refused        error
}

// share is what takes events: a subscription, or all members of a group.
type share struct {
	name      string
	got       map[int]bool   // IDs
	last      map[string]int // sequence
	busy      map[string]int
	owner     map[string]*tracked
	members   int  // that are not being closed
	serial    bool // events come one after the other
	keyed     bool // those of a key do
	perKey    bool // the order is one for each key
	joining   int
	moved     bool // the members have changed since events come
	abandoned bool // there was a time without members: what comes after is another queue
}

// tracked is a subscription.
type tracked struct {
	spec
	w        *world
	name     string
	share    *share
	sub      atomic.Pointer[subscriber.Subscription]
	selects  topic.Selector[item]
	cancel   context.CancelFunc // of a loop
	finished chan struct{}      // closed when it has ended

	// Guarded by world.mu. Moments: when it was about to come, had come, was about to go, and had gone.
	opening, open, closing, closed      int
	entered, succeeded, failed, refused int
	calls, inside                       int // handlers that run, and of them those that are in a Publish
	before                              subscriber.Stats
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

// subscribe makes a subscription, unless the bus ends.
func (w *world) subscribe(s spec) *tracked {
	w.mu.Lock()
	m := &tracked{spec: s, w: w, name: fmt.Sprintf("s%d", len(w.subs)), selects: selectorOf[item](s.Selector), finished: make(chan struct{})}
	key := m.name
	if s.Group != "" {
		key = s.Group
	}
	if m.share = w.shares[key]; m.share == nil {
		m.share = &share{name: key, got: map[int]bool{}, last: map[string]int{}, busy: map[string]int{}, owner: map[string]*tracked{}}
		m.share.serial = s.Group == "" && s.Workers == 1 && s.Kind != inline
		m.share.keyed = s.Kind != inline && !m.share.serial
		m.share.perKey = m.share.keyed || s.Overflow == bus.Latest
		w.shares[key] = m.share
	}
	m.share.joining++
	m.opening = w.now()
	w.subs = append(w.subs, m)
	w.mu.Unlock()

	var err error
	switch s.Type {
	case 0:
		err = begin(m, func(i item) (int, int) { return i.ID, i.Hops })
	case 1:
		err = begin(m, func(i foreign) (int, int) { return i.ID, i.Hops })
	default:
		err = begin(m, func(mistyped) (int, int) { return -1, 0 })
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	m.open = w.now()
	m.share.joining--
	m.share.moved = m.share.moved || len(w.events) > 0
	switch {
	case err == nil:
		m.share.members++
	case !w.ending || !errors.Is(err, bus.ErrClosed):
		w.t.Errorf("subscribing %+v: %v", s, err)
	}
	return m
}

// begin subscribes as one Go type.
func begin[T any](m *tracked, fields func(T) (id, hops int)) error {
	sel := selectorOf[T](m.Selector)
	o := subscriber.Options{Name: m.name, Workers: m.Workers, Queue: m.Queue, Overflow: m.Overflow, BlockTimeout: m.Timeout, Group: m.Group}
	if m.Chain {
		o.Middleware = []bus.Middleware{bus.Wrap("through", func(next bus.Handler) bus.Handler { return next })}
	}
	look := func(e topic.Event[T]) sight {
		id, hops := fields(e.Value)
		return sight{id: id, hops: hops, topic: e.Topic(), key: e.Key(), seq: int(e.Seq())}
	}
	var s *subscriber.Subscription
	var err error
	switch m.Kind {
	case batch:
		s, err = subscriber.Batch(m.w.bus, sel, func(ctx context.Context, all []topic.Event[T]) error {
			sights := make([]sight, len(all))
			for i := range all {
				sights[i] = look(all[i])
			}
			return m.handle(ctx, sights...)
		}, &subscriber.BatchOptions{Options: o, Size: m.Size, Linger: m.Linger})
	case loop:
		beginLoop(m, sel, o, look)
	default:
		if o.Inline = m.Kind == inline; o.Inline {
			o.Workers, o.Queue, o.Overflow, o.BlockTimeout = 0, 0, 0, 0
		}
		s, err = subscriber.New(m.w.bus, sel, func(ctx context.Context, e topic.Event[T]) error { return m.handle(ctx, look(e)) }, &o)
	}
	if s != nil {
		m.sub.Store(s)
	}
	return err
}

// beginLoop subscribes with a loop. Its subscription is not known, but what it yields is.
func beginLoop[T any](m *tracked, sel topic.Selector[T], o subscriber.Options, look func(topic.Event[T]) sight) {
	var ctx context.Context
	ctx, m.cancel = context.WithCancel(context.Background())
	o.Workers = 0
	go func() {
		defer close(m.finished)
		defer m.cancel()
		for e, err := range subscriber.Events(ctx, m.w.bus, sel, &o) {
			var bad *bus.DecodeError
			switch {
			case err == nil:
				_ = m.handle(ctx, look(e))
			case errors.As(err, &bad) && m.Type == 2:
			case errors.Is(err, bus.ErrClosed) || errors.Is(err, ctx.Err()):
			default:
				m.w.t.Errorf("%s: %v", m.name, err)
			}
		}
	}()
}

// sight is what a handler sees of an event.
type sight struct {
	id, hops, seq int
	topic, key    string
}

var errHandler = errors.New("the handler fails")

type rootKey struct{}

// root is the handler that everything within a publish counts for.
type root struct {
	m          *tracked
	publishing int // guarded by world.mu
}

// handle is every handler.
func (m *tracked) handle(ctx context.Context, all ...sight) (err error) {
	m.enter(all)
	outcomes := make([]error, len(all))
	for i := range outcomes {
		outcomes[i] = errHandler // unless it returns
	}
	defer func() { m.leave(all, outcomes) }()
	r, _ := ctx.Value(rootKey{}).(*root)
	if r == nil && m.Kind != inline && m.Kind != loop {
		r = &root{m: m}
		ctx = context.WithValue(ctx, rootKey{}, r)
	}
	first := all[0]
	m.look(len(all))
	err = m.do(ctx, m.Acts[hash(m.Seed, first.id)%len(m.Acts)], first)
	if m.Kind == batch && errors.Is(err, errHandler) && len(all) > 1 { // only the first one fails
		for i := range outcomes[1:] {
			outcomes[i+1] = nil
		}
		return &bus.BatchError{Failed: map[int]error{0: err}}
	}
	for i := range outcomes {
		outcomes[i] = err
	}
	return err
}

// do does what the handler is to do.
func (m *tracked) do(ctx context.Context, a act, s sight) error {
	w := m.w
	switch a {
	case fails:
		return errHandler
	case filters:
		return fmt.Errorf("wrapped: %w", bus.ErrFiltered)
	case panics:
		if m.Kind != loop {
			panic(s)
		}
	case exits:
		if m.Kind != loop {
			runtime.Goexit()
		}
	case blocks:
		<-w.gate
	case works:
		time.Sleep(time.Duration(1+hash(s.id)%20) * time.Millisecond)
	case publishes, spreads, detaches, outlasts:
		switch {
		case m.Kind == loop: // whose body is no handler, and might wait for itself
			a = detaches
		case ctx.Value(rootKey{}) == nil: // an inline handler within a publish of that kind
			a = publishes
		}
		m.again(ctx, a, s)
	case leaves:
		if m.Group != "" && m.sub.Load() != nil {
			w.close(m, true)
			m.again(ctx, outlasts, s)
		}
	case closesSelf:
		w.close(m, false)
	case closesOne:
		w.mu.Lock()
		other := w.subs[hash(m.Seed, s.id, 7)%len(w.subs)]
		w.mu.Unlock()
		w.close(other, false)
	case joins:
		w.mu.Lock()
		var next *spec
		if len(w.spares) > 0 {
			next, w.spares = &w.spares[0], w.spares[1:]
		}
		w.mu.Unlock()
		if next != nil {
			w.subscribe(*next)
		}
	case shuts:
		if m.Kind == loop {
			return nil
		}
		w.end()
		if err := w.bus.Shutdown(ctx); !errors.Is(err, bus.ErrInHandler) {
			w.t.Errorf("Shutdown in a handler returned %v", err)
		}
	case ends:
		w.end()
		if err := w.bus.Close(); err != nil {
			w.t.Errorf("Close in a handler returned %v", err)
		}
	}
	return nil
}

// again publishes from a handler.
func (m *tracked) again(ctx context.Context, a act, s sight) {
	w := m.w
	if s.hops == 0 || m.Floor >= len(places) {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range m.Fanout {
		if w.budget.Add(-1) < 0 {
			return
		}
		next := item{Hops: s.hops - 1, Key: []string{"", "k", "l"}[hash(m.Seed, s.id, i)%3]}
		on := m.Floor + hash(m.Seed, s.id, i, 1)%(len(places)-m.Floor)
		switch a {
		case spreads:
			wg.Go(func() { _ = w.publish(ctx, on, next) })
		case detaches:
			other, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			_ = w.publish(other, on, next)
			cancel()
		case outlasts:
			_ = w.publish(context.WithoutCancel(ctx), on, next)
		default:
			_ = w.publish(ctx, on, next)
		}
	}
}

// key is what events are told apart by within a share.
func (s sight) lane() string { return s.topic + " " + s.key }

// enter writes down that a handler has begun, and checks that it may.
func (m *tracked) enter(all []sight) {
	w, q := m.w, m.share
	w.mu.Lock()
	defer w.mu.Unlock()
	m.entered += len(all)
	m.calls++
	for _, s := range all {
		p := w.events[s.id]
		switch {
		case p == nil:
			w.t.Errorf("%s got %+v, which nobody has published", m.name, s)
			continue
		case p.refused != nil:
			w.t.Errorf("%s got %+v, which was refused: %v", m.name, s, p.refused)
		case places[p.on] != s.topic || !m.selects.Match(s.topic):
			w.t.Errorf("%s, for %v, got %+v", m.name, m.selects, s)
		case q.got[s.id]:
			w.t.Errorf("%s got %+v twice", m.name, s)
		}
		p.delivered = true
		q.got[s.id] = true
		m.order(s)
	}
}

// order checks the order in which events come, and that no key is handled twice at once. The caller holds mu.
func (m *tracked) order(s sight) {
	w, q := m.w, m.share
	if q.abandoned || !q.serial && !q.keyed {
		return
	}
	if q.keyed && s.key != "" {
		if q.busy[s.key]++; q.busy[s.key] > 1 {
			w.t.Errorf("%s got %+v while another event of its key was handled", q.name, s)
		}
		if owner := q.owner[s.key]; owner != nil && owner != m && !q.moved && q.joining == 0 {
			w.t.Errorf("%s and %s got events of key %q", owner.name, m.name, s.key)
		}
		q.owner[s.key] = m
	}
	of := s.topic
	if q.perKey {
		of = s.lane()
	}
	if q.perKey && s.key == "" && !q.serial {
		return
	}
	if before := q.last[of]; s.seq <= before {
		w.t.Errorf("%s got event %d of %q after event %d", q.name, s.seq, of, before)
	}
	q.last[of] = s.seq
}

// leave writes down that a handler is about to return.
func (m *tracked) leave(all []sight, outcomes []error) {
	w := m.w
	w.mu.Lock()
	defer w.mu.Unlock()
	m.calls--
	for i, s := range all {
		m.share.busy[s.key]--
		switch err := outcomes[i]; {
		case err == nil || m.Kind == loop:
			m.succeeded++
		case errors.Is(err, bus.ErrFiltered):
			m.refused++
		default:
			m.failed++
		}
	}
}

// left counts events that handlers have done with. The caller holds mu.
func (m *tracked) left() int { return m.succeeded + m.failed + m.refused }

// publish publishes, and writes down what comes of it.
func (w *world) publish(ctx context.Context, on int, i item) (err error) {
	r, _ := ctx.Value(rootKey{}).(*root)
	w.mu.Lock()
	i.ID = int(w.ids.Add(1))
	p := &publication{on: on, begin: w.now()}
	w.events[i.ID] = p
	if r != nil {
		if r.publishing++; r.publishing == 1 {
			r.m.inside++
		}
	}
	w.mu.Unlock()
	returned := false
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		p.end = w.now()
		var inlined *bus.InlineError
		if err == nil || !returned || errors.As(err, &inlined) { // an inline handler may end the goroutine
			p.delivered = true
		} else {
			if p.refused = err; p.delivered {
				w.t.Errorf("event %d was delivered and refused: %v", i.ID, err)
			}
			w.judge(ctx, on, r, err)
		}
		if r != nil {
			if r.publishing--; r.publishing == 0 {
				r.m.inside--
			}
		}
	}()
	err = w.pubs[on].Publish(ctx, i)
	returned = true
	return err
}

// judge checks that a publish may return that error. The caller holds mu.
func (w *world) judge(ctx context.Context, on int, r *root, err error) {
	var cycle *bus.CycleError
	var full *bus.FullError
	switch {
	case errors.As(err, &cycle):
		w.cycles++
		w.judgeCycle(on, r, cycle)
	case errors.As(err, &full):
		w.fulls++
		m := w.named(full.Subscription)
		if !errors.Is(err, bus.ErrFull) || full.Topic != places[on] || m == nil || !m.selects.Match(places[on]) {
			w.t.Errorf("publish to %q: %v", places[on], err)
		} else if full.Waited == 0 && m.Overflow != bus.Fail || full.Waited != 0 && (m.Timeout == 0 || full.Waited < m.Timeout) {
			w.t.Errorf("publish to %q, with %+v: %v", places[on], m.spec, err)
		}
	case errors.Is(err, bus.ErrClosed) && w.ending:
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
	default:
		w.t.Errorf("publish to %q: %v", places[on], err)
	}
}

// judgeCycle checks that a cycle is one. The caller holds mu.
func (w *world) judgeCycle(on int, r *root, cycle *bus.CycleError) {
	names := cycle.Subscriptions()
	if r == nil || !errors.Is(cycle, bus.ErrFull) || cycle.Topic != places[on] || len(names) == 0 {
		w.t.Errorf("publish to %q: %v", places[on], cycle)
		return
	}
	if own := r.m.share.name; names[len(names)-1] != own && names[0] != own {
		w.t.Errorf("publish from a handler of %s: %v", r.m.share.name, names)
	}
	for i, name := range names {
		m := w.named(name)
		switch {
		case m == nil || !m.blocking() || slices.Contains(names[:i], name):
			w.t.Errorf("name %d of %q: %+v", i, names, m)
		case i == 0 && !m.selects.Match(places[on]):
			w.t.Errorf("publish to %q: %v begins with a subscription to %v", places[on], names, m.selects)
		case w.calm:
			w.judgeWaiting(m.share, cycle)
		}
	}
}

// judgeWaiting checks that a share is full, and that all of its handlers are in a Publish. The caller holds mu.
func (w *world) judgeWaiting(q *share, cycle *bus.CycleError) {
	queued, capacity := 0, 0
	for _, m := range w.subs {
		if m.share != q {
			continue
		}
		if m.inside < m.calls {
			w.t.Errorf("%v: but %d of %d handlers of %s publish", cycle, m.inside, m.calls, m.name)
		}
		s := m.sub.Load()
		if s == nil {
			return
		}
		queued += int(s.Stats().Queued)
		if m.closing == 0 {
			capacity += m.Queue
		}
	}
	if queued < capacity {
		w.t.Errorf("%v: but %d of %d wait for %s", cycle, queued, capacity, q.name)
	}
}

// named returns a subscription, or a member of a group, with that name. The caller holds mu.
func (w *world) named(name string) *tracked {
	for _, m := range w.subs {
		if m.share.name == name {
			return m
		}
	}
	return nil
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

// look checks what holds at every moment. At least so many events are being handled.
func (m *tracked) look(running int) {
	s := m.sub.Load()
	if s == nil {
		return
	}
	w := m.w
	w.mu.Lock()
	entered := m.entered
	before := m.before
	w.mu.Unlock()
	st := s.Stats()
	w.mu.Lock()
	defer w.mu.Unlock()
	if sum := st.Queued + st.Running + st.Succeeded + st.Failed + st.Filtered + st.Dropped + st.Abandoned; st.Matched != sum {
		w.t.Errorf("%s: matched %d, the others add up to %d: %+v", m.name, st.Matched, sum, st)
	}
	if int(st.Running) < max(running, entered-m.left()) {
		w.t.Errorf("%s: %+v, but at least %d or %d handlers run", m.name, st, running, entered-m.left())
	}
	if m.Type < 2 && (int(st.Succeeded) > m.succeeded || int(st.Failed) > m.failed || int(st.Filtered) > m.refused) {
		w.t.Errorf("%s: %+v, but its handlers have returned from %d, failed at %d, and refused %d", m.name, st, m.succeeded, m.failed, m.refused)
	}
	if st.Succeeded < before.Succeeded || st.Failed < before.Failed || st.Filtered < before.Filtered || st.Dropped < before.Dropped || st.Abandoned < before.Abandoned || m.Group == "" && st.Matched < before.Matched {
		w.t.Errorf("%s: %+v after %+v", m.name, st, before)
	}
	if m.Group == "" && m.Kind != inline && int(st.Queued) > m.Queue {
		w.t.Errorf("%s: %+v, but no more than %d may wait", m.name, st, m.Queue)
	}
	if m.lossless() && st.Dropped > 0 {
		w.t.Errorf("%s: %+v, but it drops nothing", m.name, st)
	}
	if running == 0 { // one caller at a time
		m.before = st
	}
}

// glance is look for all subscriptions.
func (w *world) glance() {
	for _, m := range w.all() {
		m.look(0)
	}
}

// settled checks what holds when nothing moves: every counter is what the test has counted.
func (w *world) settled() {
	w.glance()
	totals := map[*share]subscriber.Stats{}
	entered := map[*share]int{}
	known := map[*share]bool{}
	for _, m := range w.all() {
		s := m.sub.Load()
		if s == nil {
			known[m.share] = false
			continue
		}
		if _, ok := known[m.share]; !ok {
			known[m.share] = true
		}
		st := s.Stats()
		w.mu.Lock()
		t := totals[m.share]
		t.Matched, t.Queued, t.Running, t.Dropped, t.Abandoned = t.Matched+st.Matched, t.Queued+st.Queued, t.Running+st.Running, t.Dropped+st.Dropped, t.Abandoned+st.Abandoned
		totals[m.share] = t
		entered[m.share] += m.entered
		running, succeeded, failed, refused := m.entered-m.left(), m.succeeded, m.failed, m.refused
		if m.Kind == inline && w.pending() { // calls that come after one that blocks count as running
			running = max(running, int(st.Running))
			entered[m.share] += running - (m.entered - m.left())
		}
		if m.Type == 2 { // what does not decode fails, and no handler sees it
			failed = int(st.Failed)
			entered[m.share] += failed
		}
		if int(st.Running) != running || int(st.Succeeded) != succeeded || int(st.Failed) != failed || int(st.Filtered) != refused {
			w.t.Errorf("%s: %+v, but %d run, %d have succeeded, %d failed, %d refused", m.name, st, running, succeeded, failed, refused)
		}
		if m.closing == 0 && !w.ending && st.Abandoned > 0 {
			w.t.Errorf("%s: %+v, but it was not closed", m.name, st)
		}
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for q, t := range totals {
		if !known[q] {
			continue // a member is a loop, whose counters nobody can read
		}
		must, may := w.due(q)
		if int(t.Matched) < must || int(t.Matched) > may {
			w.t.Errorf("%s: %+v, but %d to %d events were for it", q.name, t, must, may)
		}
		if queued := int(t.Matched) - entered[q] - int(t.Dropped) - int(t.Abandoned); int(t.Queued) != queued {
			w.t.Errorf("%s: %+v, but %d wait", q.name, t, queued)
		}
		lingers := func(m *tracked) bool { return m.share == q && m.Kind == batch && m.Linger > 0 }
		if t.Queued > 0 && t.Running == 0 && !slices.ContainsFunc(w.subs, lingers) {
			w.t.Errorf("%s: %+v: nobody handles what waits", q.name, t)
		}
	}
	delivered, refused := 0, 0
	for _, p := range w.events {
		if p.delivered {
			delivered++
		}
		if p.refused != nil {
			refused++
		}
	}
	if st := w.bus.Stats(); int(st.Published) != delivered || int(st.Refused) != refused {
		w.t.Errorf("%+v, but %d were accepted and %d refused", st, delivered, refused)
	}
}

// due counts the events that were for a share: those that must, and those that may have been because it came or went at the time. The caller holds
// mu.
func (w *world) due(q *share) (must, may int) {
	for _, p := range w.events {
		sure, perhaps := false, false
		for _, m := range w.subs {
			if m.share != q || !p.delivered || !m.selects.Match(places[p.on]) || m.sub.Load() == nil {
				continue
			}
			gone := m.closing > 0 && p.begin > m.closed && m.closed > 0
			if p.end > 0 && p.end < m.opening || gone {
				continue
			}
			perhaps = true
			sure = sure || p.begin > m.open && m.open > 0 && (m.closing == 0 || p.end > 0 && p.end < m.closing)
		}
		if sure {
			must++
		}
		if perhaps {
			may++
		}
	}
	return must, may
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
