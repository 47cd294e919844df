package nats_test

import (
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// natsServer starts a NATS server that ends with the benchmark, and returns its URL.
func natsServer(b *testing.B, o server.Options) string {
	b.Helper()
	o.Host, o.Port, o.NoLog, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(&o)
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		b.Fatal("the NATS server does not start")
	}
	return s.ClientURL()
}

// natsConn returns a connection to a NATS server.
func natsConn(b *testing.B, url string) *nats.Conn {
	b.Helper()
	closed := make(chan struct{})
	c, err := nats.Connect(url, nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		c.Close()
		<-closed
	})
	return c
}

// join returns a bus with a transport.
func join(b *testing.B, o zmq.Options) (*bus.Bus, *zmq.Transport) {
	b.Helper()
	tr, err := zmq.New(&o)
	if err != nil {
		b.Fatal(err)
	}
	bs, err := bus.New(&bus.Options{Transport: tr})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := bs.Close(); err != nil {
			b.Error(err)
		}
		<-bs.Done()
	})
	return bs, tr
}
