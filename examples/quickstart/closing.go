package main

import (
	"context"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// closing is what a service sees of the end of the day.
type closing struct {
	last     chan Closing
	peerDown chan struct{}
}

// watchClosing subscribes to the last event of the day, and waits for the notice that the publisher has gone.
func watchClosing(b *bus.Bus) (*closing, error) {
	c := &closing{last: make(chan Closing, 1), peerDown: make(chan struct{}, 1)}
	b.Notices(func(n bus.Notice) {
		if _, down := n.(bus.PeerDown); !down {
			return
		}
		select {
		case c.peerDown <- struct{}{}:
		default: // it is known already
		}
	})
	_, err := subscriber.New(b, Closed, func(_ context.Context, e topic.Event[Closing]) error {
		c.last <- e.Value
		return nil
	}, nil)
	return c, err
}

// await waits for the last event.
func (c *closing) await(ctx context.Context) (Closing, error) {
	select {
	case last := <-c.last:
		return last, nil
	case <-ctx.Done():
		return Closing{}, ctx.Err()
	}
}

// awaitPublisherGone waits until the publisher has closed the connection. It waits for its subscribers to confirm that they have
// everything; one that breaks off before can make that fail.
func (c *closing) awaitPublisherGone(ctx context.Context) error {
	select {
	case <-c.peerDown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
