package pipeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

const (
	defaultQueue    = 4096
	maxQueue        = 1 << 24
	defaultPrefetch = 16
	maxPrefetch     = 1 << 16
	maxWorkers      = 1 << 16
	maxWindow       = 1 << 24 // tasks that a worker may hold of one producer

	defaultAckTimeout = 30 * time.Second
	defaultAttempts   = 10
	defaultRetryDelay = 100 * time.Millisecond
	deadSuffix        = ".dead"
)

// ProducerOptions are how a producer works.
type ProducerOptions struct {
	// Plain lets plain PULL peers have the tasks as well, as bare payload. Such a task is done when it was written to the peer: what that peer
	// takes and loses is lost. It holds for all tasks of that name on the bus, and for no other task there: another one is a *InUseError.
	// Default: false.
	Plain bool
	// Queue is how many tasks of this producer are not done yet, at most, those that wait as dead letters included: 1 to 16,777,216. Send waits
	// for room. Default: 4096.
	Queue int
	// AckTimeout is how long a worker in another process may have a task before it goes to another worker as well, which counts as a failed
	// attempt. At most 49 days; negative: for ever. Default: 30 s.
	AckTimeout time.Duration
	// Attempts is how many deliveries of a task may fail before it goes to the dead-letter task: by an error of the handler, by a lost
	// connection, by AckTimeout. Negative: any number. Default: 10.
	Attempts int
	// DeadLetter is the name of the dead-letter task, on the same bus. Default: the name of the task and ".dead".
	DeadLetter string
	// Middleware wraps Send, the first one outermost, inside of bus.Options.Publish.
	Middleware []bus.Middleware
}

// withDefaults returns a copy with all defaults filled in, or an error.
func (o *ProducerOptions) withDefaults(task string) (ProducerOptions, error) {
	var c ProducerOptions
	if o != nil {
		c = *o
	}
	if c.Queue < 0 || c.Queue > maxQueue {
		return c, &bus.OptionError{Field: "pipeline.ProducerOptions.Queue", Value: c.Queue, Limit: "1 to 16777216, or 0 for 4096"}
	}
	c.Queue = cmp.Or(c.Queue, defaultQueue)
	if c.AckTimeout > maxDelay {
		return c, &bus.OptionError{Field: "pipeline.ProducerOptions.AckTimeout", Value: c.AckTimeout, Limit: "at most 49 days, or negative for ever"}
	}
	c.AckTimeout = cmp.Or(c.AckTimeout, defaultAckTimeout)
	c.Attempts = cmp.Or(c.Attempts, defaultAttempts)
	c.DeadLetter = cmp.Or(c.DeadLetter, task+deadSuffix)
	if _, err := ParseTask[any](c.DeadLetter); err != nil || c.DeadLetter == task {
		return c, &bus.OptionError{Field: "pipeline.ProducerOptions.DeadLetter", Value: c.DeadLetter, Limit: "the name of another task, of at most 255 bytes"}
	}
	return c, nil
}

// Options are how a worker works.
type Options struct {
	// Name names the worker in logs and errors. Default: the name of the task.
	Name string
	// Workers is how many handlers run at the same time, at most: 1 to 65,536. Default: 1.
	Workers int
	// Prefetch is how many tasks wait here for each of Workers, at most, of each producer that is connected and of those of the same bus:
	// 1 to 65,536, and not more than 16,777,216 in all. Default: 16.
	Prefetch int
	// Default has the worker take the tasks of plain PUSH peers as well, and what own producers send in the plain form. Those are not
	// acknowledged, and not tried again: a failed one is logged and counted. A bus has one such task: another one is a *InUseError.
	// Default: false.
	Default bool
	// Middleware wraps the handler, the first one outermost, inside of bus.Options.Subscribe.
	Middleware []bus.Middleware
	// RetryDelay is how long a task waits after its handler has failed, before it is given again, to any worker. It doubles with each
	// attempt, up to 30 s. At most 49 days. Default: 100 ms.
	RetryDelay time.Duration
}

// withDefaults returns a copy with all defaults filled in, or an error.
func (o *Options) withDefaults(task string) (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	c.Name, c.Middleware = cmp.Or(c.Name, task), slices.Clone(c.Middleware)
	switch {
	case c.Workers < 0 || c.Workers > maxWorkers:
		return c, &bus.OptionError{Field: "pipeline.Options.Workers", Value: c.Workers, Limit: "1 to 65536, or 0 for 1"}
	case c.Prefetch < 0 || c.Prefetch > maxPrefetch:
		return c, &bus.OptionError{Field: "pipeline.Options.Prefetch", Value: c.Prefetch, Limit: "1 to 65536, or 0 for 16"}
	case c.RetryDelay < 0 || c.RetryDelay > maxDelay:
		return c, &bus.OptionError{Field: "pipeline.Options.RetryDelay", Value: c.RetryDelay, Limit: "more than 0 and at most 49 days, or 0 for 100ms"}
	}
	c.Workers, c.Prefetch = cmp.Or(c.Workers, 1), cmp.Or(c.Prefetch, defaultPrefetch)
	c.RetryDelay = cmp.Or(c.RetryDelay, defaultRetryDelay)
	if c.Workers*c.Prefetch > maxWindow {
		return c, &bus.OptionError{Field: "pipeline.Options.Prefetch", Value: c.Prefetch, Limit: "at most 16777216 for all Workers together"}
	}
	return c, nil
}
