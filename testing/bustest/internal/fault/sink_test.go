package fault_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/testing/bustest/internal/fault"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// tasker is a transport whose tasks come from the test. It counts them as transports do.
type tasker struct {
	transport.Transport
	sink              transport.TaskSink
	received, untaken int
}

func (*tasker) Pushes() bool                                 { return false }
func (*tasker) Pulls() bool                                  { return true }
func (*tasker) TaskLimit() int                               { return 1 << 20 }
func (*tasker) FrameLimit() int                              { return 10 }
func (*tasker) Produce(transport.TaskSource) (func(), error) { return func() {}, nil }
func (k *tasker) Work(s transport.TaskSink) (release func(), err error) {
	k.sink = s
	return func() {}, nil
}

func (k *tasker) Stats() transport.Stats {
	return transport.Stats{Received: uint64(k.received), Untaken: uint64(k.untaken)}
}

// bring has plain tasks arrive.
func (k *tasker) bring(p transport.TaskProducer, n int) {
	tasks := make([]transport.Message, n)
	for i := range tasks {
		tasks[i].Payload = [][]byte{fmt.Append(nil, i)}
	}
	taken := k.sink.Tasks(p, tasks)
	k.received += taken
	k.untaken += n - taken
}

// plainProducer is one that knows no credit.
type plainProducer struct{ transport.TaskProducer }

func (*plainProducer) Peer() transport.Peer { return transport.Peer{Plain: true} }

// sink takes tasks as long as it has room.
type sink struct {
	room  int
	taken []string
}

func (*sink) ProducerUp(transport.TaskProducer)          {}
func (*sink) ProducerDown(transport.TaskProducer, error) {}
func (s *sink) Tasks(_ transport.TaskProducer, tasks []transport.Message) (taken int) {
	taken = min(s.room, len(tasks))
	for i := range taken {
		s.taken = append(s.taken, string(tasks[i].Payload[0]))
	}
	s.room -= taken
	return taken
}

// plainTasks has n plain tasks come to a sink with room for some, by way of faults.
func plainTasks(t *testing.T, p fault.Plan, n, room int) (f *fault.Injector, k *tasker, s *sink, tr transport.Transport) {
	t.Helper()
	f, k, s = fault.New(p), &tasker{Transport: memory.NewNetwork(nil).Join()}, &sink{room: room}
	tr, err := f.Wrap("works", k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	if _, err := tr.(transport.Tasker).Work(s); err != nil {
		t.Fatal(err)
	}
	producer := &plainProducer{}
	k.sink.ProducerUp(producer)
	k.bring(producer, n)
	return f, k, s, tr
}

// Plain tasks need no credit to come twice, at once or later.
func TestPlainTasksComeTwice(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{0, time.Minute} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, _, s, tr := plainTasks(t, fault.Plan{Seed: 1, Duplicate: 1, Delay: delay}, 3, 100)
				time.Sleep(time.Minute)
				synctest.Wait()
				if want := []string{"0", "0", "1", "1", "2", "2"}; !slices.Equal(s.taken, want) {
					t.Errorf("taken %q, want %q", s.taken, want)
				}
				if stats, faults := tr.Stats(), f.Stats(); stats.Received != 6 || stats.Untaken != 0 || faults.Duplicated != 3 {
					t.Errorf("stats %+v, faults %+v", stats, faults)
				}
			})
		})
	}
}

// What a sink does not take is counted once, whether it comes for the second time, or later.
func TestUntakenTasksAreCounted(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{0, time.Minute} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for room := range 7 {
					_, k, _, tr := plainTasks(t, fault.Plan{Seed: 1, Duplicate: 1, Delay: delay}, 3, room)
					time.Sleep(time.Minute)
					synctest.Wait()
					if stats := tr.Stats(); stats.Received != uint64(room) || stats.Untaken != uint64(6-room) || k.received < 0 || k.received > 3 {
						t.Errorf("room for %d of 6: stats %+v, %d of 3 were received", room, stats, k.received)
					}
				}
			})
		})
	}
}

// What is delayed when a partition begins is lost, and what is when the transport is closed untaken.
func TestDelayedTasksAreCounted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end           func(f *fault.Injector, tr transport.Transport) error
		lost, untaken uint64
	}{
		"partition": {func(f *fault.Injector, _ transport.Transport) error { return f.Partition("works") }, 3, 0},
		"close":     {func(_ *fault.Injector, tr transport.Transport) error { return tr.Close() }, 0, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, _, s, tr := plainTasks(t, fault.Plan{Seed: 1, Duplicate: 1, Delay: time.Minute}, 3, 100)
				if stats := tr.Stats(); stats.Received != 0 || stats.Untaken != 0 {
					t.Errorf("before: %+v", stats)
				}
				if err := tc.end(f, tr); err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // it is counted at once, not when it would have come
				if stats, lost := tr.Stats(), f.Stats().Lost; len(s.taken) > 0 || stats.Received != 0 || stats.Untaken != tc.untaken || lost != tc.lost {
					t.Errorf("taken %q, stats %+v, %d lost", s.taken, stats, lost)
				}
			})
		})
	}
}
