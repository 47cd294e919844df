package pipeline_test

import (
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/rs/zerolog"
)

const anyPort = "tcp://127.0.0.1:0"

// limit bounds a test over real sockets that would otherwise hang. No test waits for it to pass.
const limit = 30 * time.Second

// join returns a bus on a transport with these options.
func join(t testing.TB, o *zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	tr, err := zmq.New(o)
	if err != nil {
		t.Fatal(err)
	}
	options := &bus.Options{Transport: tr}
	if _, measures := t.(*testing.B); measures {
		options.Logger = new(zerolog.Nop())
	}
	return bustest.New(t, options), tr
}

// alone is for what a bus does without a transport as well as with any.
var alone = transporttest.Network{Name: "alone", Open: func(testing.TB) func() transport.Transport {
	return func() transport.Transport { return nil }
}}
