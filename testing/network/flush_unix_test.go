//go:build unix

package network_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// A subscriber process is killed whose socket has read everything and has no room for all of it. Nothing is left unread in its system, which
// then closes the connection in good order; Shutdown tells that from a subscriber that has left.
func TestShutdownNamesPeerThatHasRead(t *testing.T) {
	t.Parallel()
	b, tr := interop.Join(t, &zmq.Options{Publish: zmq.Bind(interop.AnyPort, interop.AnyPort), SendHWM: -1})
	at := tr.Bound().Publish
	c := start(t, spec{Role: "subscriber", link: link{Connect: at[0], ReceiveHWM: 10}, Queue: 1, Overflow: bus.Block})
	well, _ := interop.Join(t, &zmq.Options{Subscribe: zmq.Connect(at[1])})
	events, sub := keep(t, well)
	connected(t, sub)
	pub, err := publisher.New(b, raw("network.0"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(interop.Patient(t), 2); err != nil {
		t.Fatal(err)
	}
	c.Pause()
	const n = 25 // more than 10 in the socket, 10 on their way through the bus, and 2 with the subscription; one read of the socket takes all
	if _, err := pub.PublishBatch(interop.Patient(t), slices.Repeat([][]byte{make([]byte, 10)}, n)); err != nil {
		t.Fatal(err)
	}
	ended, ctx := make(chan error), interop.Patient(t)
	go func() { ended <- b.Shutdown(ctx) }()
	events.await(t, "the end of a flushed connection", func() bool { return events.downs > 0 })
	c.Resume()
	c.ask("receive", 1) // of the one read of all
	c.Kill()
	var flush *socket.FlushError
	if err := <-ended; !errors.As(err, &flush) || len(flush.Peers) != 1 || flush.Peers[0].Endpoint != at[0] || flush.Peers[0].Queued != 0 {
		t.Errorf("%v", err)
	} else {
		t.Log(err)
	}
}
