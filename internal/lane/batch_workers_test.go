package lane

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// With several workers a full batch begins at once, whatever they did before, as long as one is free.
func TestBatchSeveralWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, m, b := newBatches(Config{Workers: 3, Batch: &Batch{Size: 4, Linger: time.Minute}}, plain(), func([]event, []Outcome) { time.Sleep(time.Second) })
		next := 1
		for round := range 20 {
			publish(t, q, numbered(next, next+3)...)
			next += 4
			synctest.Wait()
			if len(b.sizes()) != round+1 {
				t.Errorf("round %d: batches of %v at %v", round, b.sizes(), b.at)
			}
			if round%3 == 2 { // all are at work: nobody lingers, then all come back
				publish(t, q, numbered(next, next+1)...)
				pass(time.Second)
				publish(t, q, numbered(next+2, next+3)...)
				next += 4
				synctest.Wait()
				if len(b.sizes()) != round+2 {
					t.Errorf("round %d: batches of %v at %v", round, b.sizes(), b.at)
				}
				pass(time.Second)
				b.mu.Lock()
				b.ids = b.ids[:round+1]
				b.mu.Unlock()
			}
		}
		m.Close()
		pass(time.Second)
	})
}

// Members of a group fill their batches from the same events; a full batch waits for nobody.
func TestBatchInAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Config{Batch: &Batch{Size: 4, Linger: time.Minute}}
		q, first, b := newBatches(c, keyed(), func([]event, []Outcome) { time.Sleep(time.Second) })
		second := joinBatches(q, c, b)
		publish(t, q, numbered(1, 20)...)
		synctest.Wait()
		if want := []int{4, 4}; !slices.Equal(b.sizes(), want) {
			t.Errorf("at first: %v", b.sizes())
		}
		pass(time.Second)
		if want := []int{4, 4, 4, 4}; !slices.Equal(b.sizes(), want) {
			t.Errorf("then: %v", b.sizes())
		}
		pass(time.Second)
		publish(t, q, numbered(21, 27)...) // two full batches, with the four that are left
		synctest.Wait()
		if n := len(b.sizes()); n != 6 {
			t.Errorf("at the end: %v", b.sizes())
		}
		publish(t, q, numbered(28, 28)...)
		pass(time.Second)
		if n := len(b.sizes()); n != 7 {
			t.Errorf("at the end: %v", b.sizes())
		}
		first.Close()
		second.Close()
		pass(time.Second)
	})
}

// whoever is free.
func TestBatchInAGroupIsNotLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Config{Batch: &Batch{Size: 4, Linger: time.Minute}}
		q, first, b := newBatches(c, keyed(), nil)
		second := joinBatches(q, c, b)
		key := keysOf(second, 2)
		publish(t, q, event{id: 1})
		synctest.Wait()
		publish(t, q, event{id: 2, key: key[0]}, event{id: 3, key: key[1]})
		synctest.Wait()
		publish(t, q, event{id: 4})
		synctest.Wait()
		if want := []int{4}; !slices.Equal(b.sizes(), want) {
			t.Errorf("with the keys of one: %v", b.sizes())
		}
		pass(time.Hour)
		b.mu.Lock()
		b.ids, b.do = nil, func([]event, []Outcome) { time.Sleep(time.Second) }
		b.mu.Unlock()
		for _, e := range numbered(5, 6) { // both linger
			publish(t, q, e)
			synctest.Wait()
		}
		q.Lock() // so that nobody takes anything until all are there
		for _, e := range numbered(7, 12) {
			q.Append(&e)
		}
		q.Unlock()
		synctest.Wait()
		if want := []int{4, 4}; !slices.Equal(b.sizes(), want) {
			t.Errorf("two batches at a time: %v", b.sizes())
		}
		pass(time.Second)
		first.Close()
		second.Close()
	})
}
