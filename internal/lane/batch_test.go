package lane

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// batches is a Handler of batches that remembers the batches it has had, and when. Its workers share it.
type batches struct {
	mu  sync.Mutex
	ids [][]int
	at  []time.Duration // since begin
	// do, if not nil, is called after that, without the lock.
	do      func(events []event, outcomes []Outcome)
	begin   time.Time
	aborted int
}

func (b *batches) Aborted(*event, any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.aborted++
}

func (b *batches) Handle(t *Turn[event]) {
	events := t.All()
	if !t.Begin() {
		return
	}
	b.note(events)
	outcomes := make([]Outcome, len(events))
	if b.do != nil {
		for i := range outcomes {
			outcomes[i] = Failed
		}
		b.do(events, outcomes)
	}
	for _, o := range outcomes {
		t.End(o)
	}
}

func (b *batches) note(events []event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []int
	for _, e := range events {
		ids = append(ids, e.id)
	}
	b.ids, b.at = append(b.ids, ids), append(b.at, time.Since(b.begin))
}

// sizes returns how many events each batch had.
func (b *batches) sizes() (all []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ids := range b.ids {
		all = append(all, len(ids))
	}
	return all
}

// joinBatches adds a member to q that b handles for.
func joinBatches(q *Queue[event], c Config, b *batches) *Consumer[event] {
	m := NewConsumer(q, config(c), func() Handler[event] { return b })
	m.Join()
	return m
}

// newBatches returns a queue with one member.
func newBatches(c Config, traits Traits[event], do func([]event, []Outcome)) (*Queue[event], *Consumer[event], *batches) {
	b := &batches{begin: time.Now(), do: do}
	q := NewQueue(config(c), traits)
	return q, joinBatches(q, c, b), b
}

// A batch begins when it is full, or when its first event has waited for so long.
func TestBatchSizeAndLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, m, b := newBatches(Config{Batch: &Batch{Size: 3, Linger: time.Second}}, plain(), nil)
		publish(t, q, numbered(1, 7)...)
		pass(time.Second - 1)
		if want := []int{3, 3}; !slices.Equal(b.sizes(), want) {
			t.Errorf("before the time: %v", b.sizes())
		}
		pass(1)
		publish(t, q, numbered(8, 9)...)
		pass(time.Second / 2)
		publish(t, q, numbered(10, 10)...) // fills it
		pass(time.Minute)
		if want := []int{3, 3, 1, 3}; !slices.Equal(b.sizes(), want) {
			t.Errorf("batches of %v, want %v", b.sizes(), want)
		}
		if want := []time.Duration{0, 0, time.Second, time.Second * 3 / 2}; !slices.Equal(b.at, want) {
			t.Errorf("at %v, want %v", b.at, want)
		}
		if ids := slices.Concat(b.ids...); !slices.IsSorted(ids) {
			t.Errorf("handled %v", ids)
		}
		if n := balanced(t, &m.Member); n.Succeeded != 10 {
			t.Errorf("%+v", n)
		}
		m.Close()
	})
}

// Without lingering a worker takes what is there.
func TestBatchWithoutLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		step := make(chan struct{})
		q, m, b := newBatches(Config{Batch: &Batch{Size: 10, Linger: -1}}, plain(), func([]event, []Outcome) { <-step })
		publish(t, q, event{id: 1})
		synctest.Wait()
		publish(t, q, numbered(2, 5)...)
		close(step)
		synctest.Wait()
		if want := []int{1, 4}; !slices.Equal(b.sizes(), want) || b.at[1] != 0 {
			t.Errorf("batches of %v at %v", b.sizes(), b.at)
		}
		m.Close()
	})
}

// Nobody lingers when it is time to hurry: neither one who does already, nor one who comes to it.
func TestBatchHurry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hurry := make(chan struct{})
		q, m, b := newBatches(Config{Batch: &Batch{Size: 10, Linger: time.Hour, Hurry: hurry}}, plain(), nil)
		publish(t, q, numbered(1, 2)...)
		synctest.Wait()
		close(hurry)
		synctest.Wait()
		publish(t, q, numbered(3, 3)...)
		synctest.Wait()
		if want := []int{2, 1}; !slices.Equal(b.sizes(), want) || b.at[1] != 0 {
			t.Errorf("batches of %v at %v", b.sizes(), b.at)
		}
		m.Close()
	})
}

// Closing does not wait for a batch to be filled.
func TestBatchCloseWhileLingering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		roster := &Roster{}
		q, m, b := newBatches(Config{Workers: 3, Roster: roster, Batch: &Batch{Size: 10, Linger: time.Hour}}, plain(), nil)
		publish(t, q, numbered(1, 4)...)
		synctest.Wait()
		if n := balanced(t, &m.Member); n.Queued != 4 || roster.Idle() == nil {
			t.Errorf("%+v, idle: %v", n, roster.Idle() == nil)
		}
		m.Close()
		synctest.Wait()
		if n := balanced(t, &m.Member); n.Abandoned != 4 || !ended(&m.Member) || roster.Idle() != nil {
			t.Errorf("%+v, ended: %v", n, ended(&m.Member))
		}
		if len(b.sizes()) > 0 {
			t.Errorf("batches of %v", b.sizes())
		}
	})
}

// A full batch begins at once with whoever lingers for it, also when it is full with its own keys only, and what does not fit goes to
// Dropping for room goes on while a worker lingers; it gets what is there in the end.
func TestBatchDropOldestWhileLingering(t *testing.T) {
	t.Parallel()
	for _, traits := range []Traits[event]{plain(), keyed()} {
		synctest.Test(t, func(t *testing.T) {
			q, m, b := newBatches(Config{Capacity: 4, Local: DropOldest, Batch: &Batch{Size: 4, Linger: time.Second}}, traits, nil)
			for i := range 20 { // of one key there is one event in a batch
				publish(t, q, event{id: i, key: "k"})
			}
			synctest.Wait()
			for i := range 20 {
				publish(t, q, event{id: 20 + i, key: "k"})
				synctest.Wait()
			}
			pass(time.Hour)
			n := balanced(t, &m.Member)
			if n.Succeeded+n.Dropped != 40 || n.Succeeded < 4 || n.Queued+n.Running > 0 {
				t.Errorf("%+v, batches %v", n, b.ids)
			}
			if ids := slices.Concat(b.ids...); !slices.IsSorted(ids) || ids[len(ids)-1] != 39 {
				t.Errorf("handled %v", ids)
			}
			m.Close()
		})
	}
}
