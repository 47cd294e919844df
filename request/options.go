package request

import (
	"cmp"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

const (
	defaultTimeout  = 5 * time.Second
	defaultAttempts = 3
	maxAttempts     = 1000

	defaultWorkers = 1024
	maxWorkers     = 1 << 16
	defaultQueue   = 1024
	maxQueue       = 1 << 20
)

// Options are how a client asks.
type Options struct {
	// Timeout bounds the whole of Do, all attempts together; an earlier deadline of its context comes first. Default: 5 s. Negative: none.
	Timeout time.Duration
	// Attempts is how many times a request is sent, at most: 1 to 1000. Each waits for its part of the time that is left; the next begins at once
	// when a connection is lost. 1 is at most once. Default: 3.
	Attempts int
	// Plain sends the payload alone, without name and envelope, also to servers of this module; they give it to their Default call. Servers of
	// other ZeroMQ libraries always get that form. Default: false.
	Plain bool
	// Middleware wraps what is sent, the first one outermost, inside of bus.Options.Publish. It sees requests, not replies.
	Middleware []bus.Middleware
}

func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Attempts < 0 || c.Attempts > maxAttempts {
		return c, &bus.OptionError{Field: "request.Options.Attempts", Value: c.Attempts, Limit: "1 to 1000, or 0 for 3"}
	}
	c.Timeout, c.Attempts = cmp.Or(c.Timeout, defaultTimeout), cmp.Or(c.Attempts, defaultAttempts)
	return c, nil
}

// ServeOptions are how a call is served.
type ServeOptions struct {
	// Name names the server in logs and errors. Default: the name of the call.
	Name string
	// Workers is how many requests are handled at the same time, at most: 1 to 65,536. Default: 1024.
	Workers int
	// Queue is how many more requests from other processes wait, at most: 1 to 1,048,576; beyond, they are answered with CodeOverloaded. Callers in
	// this process wait by themselves. Default: 1024.
	Queue int
	// Default has it serve what comes without the name of a call as well: the requests of plain REQ and DEALER peers. There is one such server on a bus.
	Default bool
	// PlainError is the reply that such a peer gets when its request fails. Default: one empty frame.
	PlainError []byte
	// Idempotent keeps the handler from running twice for one request that a client of this module tries again: see [Idempotent]. Default:
	// none.
	Idempotent *Replies
	// Middleware wraps the handler, the first one outermost, inside of bus.Options.Subscribe. It sees requests, not replies.
	Middleware []bus.Middleware
}

func (o *ServeOptions) withDefaults(call string) (ServeOptions, error) {
	var c ServeOptions
	if o != nil {
		c = *o
	}
	switch {
	case c.Workers < 0 || c.Workers > maxWorkers:
		return c, &bus.OptionError{Field: "request.ServeOptions.Workers", Value: c.Workers, Limit: "1 to 65536, or 0 for 1024"}
	case c.Queue < 0 || c.Queue > maxQueue:
		return c, &bus.OptionError{Field: "request.ServeOptions.Queue", Value: c.Queue, Limit: "1 to 1048576, or 0 for 1024"}
	}
	c.Name = cmp.Or(c.Name, call)
	c.Workers, c.Queue = cmp.Or(c.Workers, defaultWorkers), cmp.Or(c.Queue, defaultQueue)
	return c, nil
}
