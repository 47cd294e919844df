package lane

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
)

// paced is a reader in a random schedule, beside what the model knows of it. Its handler waits for a step before each event ends.
type paced struct {
	*Reader[event]
	capacity int
	step     chan struct{}
	got      []int // what it has begun
	want     []int // what it is to get
	ended    int   // handlers that have ended, of which:
	failed   int
	filtered int
	waiting  int // when it was closed; -1 before
}

// handle ends as the number of the event says.
func (p *paced) handle(e event) Outcome {
	p.got = append(p.got, e.id)
	<-p.step
	switch e.id % 11 {
	case 1:
		return Failed
	case 2:
		return Filtered
	case 3:
		panic(e.id)
	case 4:
		runtime.Goexit()
	case 5:
		defer panic(e.id)
		runtime.Goexit()
	}
	return Succeeded
}

// next lets the handler that runs end, if there is one.
func (p *paced) next() {
	if len(p.got) == p.ended {
		return
	}
	switch p.got[p.ended] % 11 {
	case 1, 3, 4, 5:
		p.failed++
	case 2:
		p.filtered++
	}
	p.ended++
	p.step <- struct{}{}
	synctest.Wait()
}

func (p *paced) check() error {
	if !slices.Equal(p.got, p.want[:len(p.got)]) {
		return fmt.Errorf("handled %v, want %v", p.got, p.want)
	}
	want := Totals{
		Matched:   uint64(len(p.want)),
		Running:   uint64(len(p.got) - p.ended),
		Succeeded: uint64(p.ended - p.failed - p.filtered),
		Failed:    uint64(p.failed),
		Filtered:  uint64(p.filtered),
	}
	waiting := len(p.want) - len(p.got)
	if p.waiting < 0 {
		want.Queued = uint64(waiting)
		if waiting > 0 && want.Running == 0 {
			return fmt.Errorf("%d wait, and no handler runs", waiting)
		}
	} else {
		want.Abandoned = uint64(p.waiting)
		if waiting != p.waiting || ended(&p.Member) != (want.Running == 0) {
			return fmt.Errorf("closed with %d that wait, now it has %d; ended: %v", p.waiting, waiting, ended(&p.Member))
		}
	}
	if got := p.Totals(); got != want {
		return fmt.Errorf("counted %+v, want %+v", got, want)
	}
	return nil
}

// schedule is a log with such readers.
type schedule struct {
	*rand.Rand
	log      *Log[event]
	appended int
	readers  []*paced // open or not
	largest  int      // storage that a reader may need
}

func (s *schedule) open() (all []*paced) {
	for _, p := range s.readers {
		if p.waiting < 0 {
			all = append(all, p)
		}
	}
	return all
}

func (s *schedule) join() {
	p := &paced{capacity: 1 + s.IntN(1<<s.IntN(8)), step: make(chan struct{}), waiting: -1}
	var early []event
	if s.IntN(3) == 0 {
		for i := range s.IntN(3 * p.capacity) {
			early = append(early, event{id: 100000 + i})
			p.want = append(p.want, 100000+i)
		}
	}
	p.Reader = newReader(s.log, Config{Capacity: p.capacity}, p.handle, early...)
	s.readers = append(s.readers, p)
	for s.largest <= p.capacity { // one more than wait is at hand
		s.largest *= 2
	}
}

func (s *schedule) close(p *paced) {
	p.waiting = len(p.want) - len(p.got)
	p.Close()
}

// publish appends events without a break while there is room for sure, twice, and checks that there is none where a reader is full.
func (s *schedule) publish(n int) error {
	open := s.open()
	for range 2 {
		room := math.MaxInt
		for _, p := range open {
			room = min(room, p.capacity-len(p.want)+len(p.got))
		}
		for range min(n, max(room, 0)) {
			s.appended++
			n--
			for _, p := range open {
				p.want = append(p.want, s.appended)
			}
			if full := try(s.log, event{id: s.appended}); full != nil {
				return fmt.Errorf("no room for %d", s.appended)
			}
		}
		synctest.Wait()
		for _, p := range open {
			if len(p.want)-len(p.got) >= p.capacity {
				if full := try(s.log, event{}); full == nil {
					return fmt.Errorf("room for %d", s.appended+1)
				}
				return nil
			}
		}
	}
	return nil
}

// turn does something at random.
func (s *schedule) turn() (err error) {
	open := s.open()
	switch k := s.IntN(40); {
	case len(open) == 0 || k == 0 && len(open) < 6:
		s.join()
	case k == 1:
		s.close(open[s.IntN(len(open))])
	case k < 16:
		err = s.publish(1 + s.IntN(40))
	default:
		p := s.readers[s.IntN(len(s.readers))]
		for range 1 + s.IntN(2*p.capacity) {
			p.next()
		}
	}
	synctest.Wait()
	return err
}

// check compares everything with the model.
func (s *schedule) check() error {
	idle := true
	for i, p := range s.readers {
		if err := p.check(); err != nil {
			return fmt.Errorf("reader %d of capacity %d: %w", i, p.capacity, err)
		}
		idle = idle && (p.waiting >= 0 || p.ended == len(p.want))
	}
	l := s.log
	l.Lock()
	defer l.Unlock()
	for i, p := range s.readers {
		if len(p.active) == 0 && p.runner != nil && p.runner.batch != nil {
			return fmt.Errorf("reader %d is idle, and keeps a ring of %d", i, len(p.runner.batch))
		}
	}
	size := len(l.store.ring)
	if size > s.largest {
		return fmt.Errorf("a ring of %d, and no reader needs more than %d", size, s.largest)
	}
	if idle && size > 0 {
		return fmt.Errorf("idle, with a ring of %d", size)
	}
	if l.store.box != nil && len(*l.store.box) > 0 {
		return fmt.Errorf("another ring of %d is kept", len(*l.store.box))
	}
	for place := l.tail; place < l.cleared+uint64(size); place++ {
		if e := *l.store.at(place); e != (event{}) {
			return fmt.Errorf("%v is kept, of %d to %d", e, l.cleared, l.tail)
		}
	}
	return nil
}

// Whatever readers do, and join and leave in between, each gets what was appended while it was there, in order, after what it got early;
// there is room as long as all have some; nothing more is kept than they need; and the counters tell so at any moment.
func TestLogAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			s := &schedule{Rand: rand.New(rand.NewPCG(seed, 0)), log: NewLog[event](1, nil), largest: minRing}
			for turn := range 400 {
				err := s.turn()
				if err == nil {
					err = s.check()
				}
				if err != nil {
					t.Errorf("seed %d, turn %d: %v", seed, turn, err)
					break
				}
			}
			for _, p := range s.readers {
				p.Close()
				close(p.step)
			}
		})
	}
}
