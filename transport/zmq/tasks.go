package zmq

import (
	"cmp"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// tasks are the sockets that tasks go through.
type tasks struct {
	push          *pusher
	pull          *puller
	pushes, pulls bool
	limit         int
	once          sync.Once // closes pull.ending
}

func (t *tasks) init(o *Options, c *counts) {
	t.push, t.pull = newPusher(o.socket()), newPuller(o.socket(), c)
	t.pushes = len(o.Push.bind)+len(o.Push.connect) > 0
	t.pulls = len(o.Pull.bind)+len(o.Pull.connect) > 0
	t.limit = cmp.Or(o.MaxMessageSize, defaultMessageSize)
}

// defaultMessageSize is Options.MaxMessageSize of sockets.
const defaultMessageSize = 64 << 20

// maxFrames is their Options.MaxFrames, which is left alone.
const maxFrames = 1024

// Pushes reports whether Options.Push has endpoints.
func (t *Transport) Pushes() bool { return t.tasks.pushes }

// Pulls reports whether Options.Pull has endpoints.
func (t *Transport) Pulls() bool { return t.tasks.pulls }

// TaskLimit returns Options.MaxMessageSize.
func (t *Transport) TaskLimit() int { return t.tasks.limit }

// FrameLimit returns how many frames a message of a socket has besides the name of a task and its envelope, at most.
func (t *Transport) FrameLimit() int { return maxFrames - 2 }

// Produce makes s the source of tasks. The error is a [*transport.InUseError] or [ErrClosed]. What peers announce before it is called is
// remembered, up to 4096 names of tasks for each; one that announces more loses its connection.
func (t *Transport) Produce(s transport.TaskSource) (release func(), err error) {
	if t.refusing.Load() {
		return nil, ErrClosed
	}
	return t.tasks.push.produce(s)
}

// Work makes s the sink of tasks. The error is a [*transport.InUseError] or [ErrClosed].
func (t *Transport) Work(s transport.TaskSink) (release func(), err error) {
	if t.refusing.Load() {
		return nil, ErrClosed
	}
	return t.tasks.pull.work(s)
}

// release lets nobody wait for a sink any more.
func (t *tasks) release() { t.once.Do(func() { close(t.pull.ending) }) }
