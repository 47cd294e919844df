package memory

import (
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// eventBuffer is how many events wait for the reader of Events.
const eventBuffer = 256

// news is the channel of Events.
type news struct {
	mu      sync.Mutex
	channel chan transport.Event
	ended   bool
}

// Events returns the channel on which peers coming and going are told: each transport of the network once, with the role "peer". One that
// is rejected, as a worker or as a producer, is told as a bad one that goes with that role: it goes on to be a peer for all else. Up to 256
// events wait for the reader of the channel.
func (t *Transport) Events() <-chan transport.Event { return t.news.channel }

// emit never waits.
func (t *Transport) emit(e transport.Event) {
	t.news.mu.Lock()
	defer t.news.mu.Unlock()
	if t.news.ended {
		return
	}
	select {
	case t.news.channel <- e:
	default:
		t.counts.eventsLost.Add(1)
	}
}

func (n *news) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	close(n.channel)
}
