package socket

import (
	"sync"

	"github.com/fanfare-go/fanfare/internal/match"
	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// Sub receives the messages whose first frame begins with a prefix it subscribed to, from all its peers in turns (RFC 29).
type Sub struct {
	base
	subscribing
}

// NewSub returns a SUB socket without subscriptions. It has no goroutine before the first Listen or Dial.
func NewSub(opts *Options) *Sub {
	s := &Sub{}
	s.setup(zmq4.Sub, opts, &s.subscribing)
	s.subscribing.init(&s.base, true)
	return s
}

// subscribing is the pattern of SUB and XSUB.
type subscribing struct {
	of     *base
	filter bool // once more what is received

	mu         sync.RWMutex
	prefixes   match.Prefixes
	generation uint64 // of prefixes, from 1: goes up with each change that peers must learn of
	publishers map[*publisher]struct{}
}

func (s *subscribing) init(b *base, filter bool) {
	s.of, s.filter, s.generation, s.publishers = b, filter, 1, make(map[*publisher]struct{})
	b.receives()
}

// Subscribe asks all publishers, present and future, for messages that begin with prefix; "" asks for all. Subscriptions are counted: each
// needs an Unsubscribe of its own. Publishers of this package are asked once more by every Subscribe of a prefix, and send again what
// they keep for it (see Pub.SendRetained); others only by the first. It never waits; Ready tells when publishers have the subscription, and
// then what they keep comes before anything that they send later. The error is [ErrClosed].
func (s *subscribing) Subscribe(prefix string) error {
	s.mu.Lock()
	if s.of.refusing.Load() { // asked with the lock: nothing follows a farewell
		s.mu.Unlock()
		return ErrClosed
	}
	first := s.prefixes.Add([]byte(prefix))
	s.generation++
	for p := range s.publishers {
		if first || p.own {
			p.tell(zmtp.AppendSubscribe(nil, []byte(prefix)))
		} else {
			p.skip()
		}
	}
	s.mu.Unlock()
	s.of.changes.Tell()
	return nil
}

// Unsubscribe takes back one Subscribe of prefix; without one it does nothing. Messages received before are still delivered.
func (s *subscribing) Unsubscribe(prefix string) error {
	return s.change(s.prefixes.Remove, zmtp.AppendCancel, prefix)
}

// change applies a change of the prefixes and tells all peers if it returns true.
func (s *subscribing) change(apply func([]byte) bool, encode func(dst, prefix []byte) []byte, prefix string) error {
	s.mu.Lock()
	if s.of.refusing.Load() {
		s.mu.Unlock()
		return ErrClosed
	}
	changed := apply([]byte(prefix))
	if changed {
		s.generation++
		for p := range s.publishers {
			p.tell(encode(nil, []byte(prefix)))
		}
	}
	s.mu.Unlock()
	if changed {
		s.of.changes.Tell()
	}
	return nil
}

// SetOption takes zmq4.OptionSubscribe and zmq4.OptionUnsubscribe with a string or []byte, and zmq4.OptionHWM with an int before the first
// Listen or Dial; 0 is no limit. Everything else is an [*OptionError].
func (s *Sub) SetOption(name string, value any) error {
	if s.refusing.Load() {
		return ErrClosed
	}
	switch name {
	case zmq4.OptionHWM:
		return s.base.SetOption(name, value)
	case zmq4.OptionSubscribe, zmq4.OptionUnsubscribe:
	default:
		return &OptionError{Option: name, Reason: "is not one of a SUB socket"}
	}
	var prefix string
	switch v := value.(type) {
	case string:
		prefix = v
	case []byte:
		prefix = string(v)
	default:
		return &OptionError{Option: name, Reason: "takes a string or []byte"}
	}
	if name == zmq4.OptionSubscribe {
		return s.Subscribe(prefix)
	}
	return s.Unsubscribe(prefix)
}
