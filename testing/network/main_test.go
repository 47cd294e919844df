package network_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if encoded := os.Getenv(childSpec); encoded != "" {
		runChild(encoded)
		return
	}
	goleak.VerifyTestMain(m)
}

const (
	anyPort = "tcp://127.0.0.1:0"
	// patience bounds what would otherwise hang.
	patience = 30 * time.Second
)

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// raw is a topic of bytes.
func raw(name string) topic.Topic[[]byte] { return topic.New[[]byte](name).WithCodec(codec.Raw) }

// all selects every topic of the tests.
var all = topic.NewPrefix[[]byte]("network.").WithCodec(codec.Raw)

// join returns a bus of this process.
func join(t *testing.T, o *zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	tr, err := zmq.New(o)
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

// must fails the test's process, or its child.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
