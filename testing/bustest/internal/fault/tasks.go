package fault

import (
	"maps"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// tasking is a transport.Tasker with faults.
type tasking struct {
	of     *wrapped
	tasker transport.Tasker

	mu    sync.Mutex
	links map[aligner]struct{} // to all workers and producers that are connected
}

// aligner is a link to a worker or a producer, which are gone for the bus while one side is cut off. align has the bus see that, and
// returns what is closed when it has.
type aligner interface{ align() <-chan struct{} }

func (k *tasking) Pushes() bool    { return k.tasker.Pushes() }
func (k *tasking) Pulls() bool     { return k.tasker.Pulls() }
func (k *tasking) TaskLimit() int  { return k.tasker.TaskLimit() }
func (k *tasking) FrameLimit() int { return k.tasker.FrameLimit() }

func (k *tasking) Produce(s transport.TaskSource) (release func(), err error) {
	by := &source{of: k, source: s}
	real, err := k.tasker.Produce(by)
	if err != nil {
		return nil, err
	}
	return func() {
		real()
		by.release()
	}, nil
}

func (k *tasking) Work(s transport.TaskSink) (release func(), err error) {
	by := &sink{of: k, sink: s}
	real, err := k.tasker.Work(by)
	if err != nil {
		return nil, err
	}
	return func() {
		real()
		by.release()
	}, nil
}

// add has a link know of partitions.
func (k *tasking) add(l aligner) {
	k.mu.Lock()
	k.links[l] = struct{}{}
	k.mu.Unlock()
	_ = l.align() // whoever calls must not wait
}

// remove forgets one.
func (k *tasking) remove(l aligner) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.links, l)
}

// removeAll forgets those of a source or a sink.
func (k *tasking) removeAll(of func(aligner) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.links, func(l aligner, _ struct{}) bool { return of(l) })
}

// align tells all links, and waits until the bus has heard of it.
func (k *tasking) align() {
	k.mu.Lock()
	all := make([]aligner, 0, len(k.links))
	for l := range k.links {
		all = append(all, l)
	}
	k.mu.Unlock()
	for _, l := range all {
		<-l.align()
	}
}
