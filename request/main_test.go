package request_test

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	anyPort  = "tcp://127.0.0.1:0"
	patience = 30 * time.Second
)

// double is a call that the tests serve by doubling.
var double = request.NewCall[int, int]("math.double")

func twice(_ context.Context, n int) (int, error) { return 2 * n, nil }

// doubled is twice for a fake.
func doubled(n int) (int, error) { return 2 * n, nil }

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// join returns a bus with a transport. What it dials and does not find it dials again at once.
func join(t testing.TB, o zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	o.ReconnectInterval, o.ReconnectMax = 10*time.Millisecond, 50*time.Millisecond
	tr, err := zmq.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	return bustest.New(t, &bus.Options{Transport: tr}), tr
}

func serve[Req, Resp any](t testing.TB, b *bus.Bus, c request.Call[Req, Resp], h func(context.Context, Req) (Resp, error), o *request.ServeOptions) *request.Server {
	t.Helper()
	s, err := request.Serve(b, c, h, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newClient[Req, Resp any](t testing.TB, b *bus.Bus, c request.Call[Req, Resp], o *request.Options) *request.Client[Req, Resp] {
	t.Helper()
	cl, err := request.NewClient(b, c, o)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}
