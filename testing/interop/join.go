package interop

import (
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/rs/zerolog"
)

// Join returns a bus of the test's own process for peers to talk to, and its transport. What it dials and does not find it dials again
// after 10 ms, and every 50 ms at least, unless the options say otherwise. It logs to the test's log, from warnings on, and ends with the
// test.
func Join(t testing.TB, options *zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	tr, err := zmq.New(Restless(options))
	if err != nil {
		t.Fatal(err)
	}
	log := zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	b, err := bus.New(&bus.Options{Transport: tr, Logger: &log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.Close()
		<-b.Done()
	})
	return b, tr
}

// Restless returns a copy of the options that has a peer which was started again found soon: see [Join]. Nil means the defaults.
func Restless(options *zmq.Options) *zmq.Options {
	var o zmq.Options
	if options != nil {
		o = *options
	}
	if o.ReconnectInterval == 0 {
		o.ReconnectInterval = 10 * time.Millisecond
	}
	if o.ReconnectMax == 0 {
		o.ReconnectMax = max(50*time.Millisecond, o.ReconnectInterval)
	}
	return &o
}
