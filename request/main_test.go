package request_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/rs/zerolog"
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

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// newBus returns a bus that ends with the test.
func newBus(t testing.TB, o *bus.Options) *bus.Bus {
	t.Helper()
	if o == nil {
		o = &bus.Options{}
	}
	if o.Logger == nil {
		log := zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
		o.Logger = &log
	}
	b, err := bus.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.Close()
		<-b.Done()
	})
	return b
}

// join returns a bus with a transport. What it dials and does not find it dials again at once.
func join(t testing.TB, o zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	o.ReconnectInterval, o.ReconnectMax = 10*time.Millisecond, 50*time.Millisecond
	tr, err := zmq.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	return newBus(t, &bus.Options{Transport: tr}), tr
}

// pair returns a bus that serves and one that asks, connected over the endpoint.
func pair(t testing.TB, endpoint string) (there, here *bus.Bus) {
	t.Helper()
	there, tr := join(t, zmq.Options{Serve: zmq.Bind(endpoint)})
	here, _ = join(t, zmq.Options{Request: zmq.Connect(tr.Bound().Serve...)})
	return there, here
}

// overEach runs a test over each kind of connection.
func overEach(t *testing.T, f func(t *testing.T, endpoint string)) {
	for name, endpoint := range map[string]func(t *testing.T) string{
		"tcp":    func(*testing.T) string { return anyPort },
		"ipc":    func(t *testing.T) string { return "ipc://" + filepath.Join(t.TempDir(), "s") },
		"inproc": func(t *testing.T) string { return "inproc://" + t.Name() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, endpoint(t))
		})
	}
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
