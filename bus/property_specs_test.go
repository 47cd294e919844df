package bus_test

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

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
