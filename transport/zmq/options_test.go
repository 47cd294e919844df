package zmq_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Extending the same endpoints twice gives two values that know nothing of each other.
func TestEndpointsDoNotShare(t *testing.T) {
	t.Parallel()
	given := []string{anyPort}
	base := zmq.Bind(given...).Bind(anyPort).Bind(anyPort)
	one, two := base.Bind(anyPort), base.Bind(anyPort, anyPort).Connect("tcp://127.0.0.1:1")
	base.Bind("bad").Connect("bad")
	given[0] = "bad"
	for want, e := range map[int]zmq.Endpoints{0: {}, 3: base, 4: one, 5: two} {
		tr := open(t, &zmq.Options{Publish: e})
		if bound := tr.Bound().Publish; len(bound) != want {
			t.Errorf("bound %q, want %d", bound, want)
		}
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	tr := open(t, &zmq.Options{Publish: zmq.Bind(anyPort, "tcp://*:*"), Subscribe: zmq.Bind(anyPort)})
	bound := tr.Bound()
	if len(bound.Publish) != 2 || len(bound.Subscribe) != 1 {
		t.Fatalf("%+v", bound)
	}
	for i, prefix := range []string{"tcp://127.0.0.1:", "tcp://*:"} {
		port, ok := strings.CutPrefix(bound.Publish[i], prefix)
		if !ok || port == "0" || port == "*" {
			t.Errorf("bound %q, want the port chosen after %s", bound.Publish[i], prefix)
		}
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]*zmq.Options{
		"zmq: Options.MaxMessageSize is -1, allowed is 1 or more bytes, or 0 for 64 MiB": {MaxMessageSize: -1},
		"zmq: Options.HeartbeatTimeout is -1s, allowed is more than 0, or 0 for 15s":     {HeartbeatTimeout: -time.Second},
		"zmq: Options.ReconnectInterval is -1s, allowed is more than 0, or 0 for 100ms":  {ReconnectInterval: -time.Second},
		"zmq: Options.ReconnectMax is -1s, allowed is more than 0, or 0 for 5s":          {ReconnectMax: -time.Second},
	} {
		_, err := zmq.New(o)
		var limit *zmq.LimitError
		if !errors.As(err, &limit) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestBadEndpoints(t *testing.T) {
	t.Parallel()
	for endpoint, o := range map[string]*zmq.Options{
		"":                 {Publish: zmq.Bind("")},
		"stock:5555":       {Subscribe: zmq.Bind("stock:5555")},
		"udp://stock:1":    {Publish: zmq.Connect("udp://stock:1")},
		"tcp://*:1":        {Subscribe: zmq.Connect("tcp://*:1")},
		"tcp://stock:many": {Subscribe: zmq.Connect("tcp://127.0.0.1:1", "tcp://stock:many")},
	} {
		_, err := zmq.New(o)
		var bad *socket.EndpointError
		if !errors.As(err, &bad) || bad.Endpoint != endpoint {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

// A transport that cannot bind everything leaves nothing open: the first endpoint is free again.
func TestNewFailsWhole(t *testing.T) {
	t.Parallel()
	taken := open(t, &zmq.Options{Subscribe: zmq.Bind(anyPort)}).Bound().Subscribe[0]
	first := ipc(t)
	_, err := zmq.New(&zmq.Options{Publish: zmq.Bind(first), Subscribe: zmq.Bind(taken)})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(err)
	}
	open(t, &zmq.Options{Publish: zmq.Bind(first)})
}

func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	o := zmq.Options{Publish: zmq.Bind(anyPort)}
	pub := open(t, &o)
	o.Plain, o.Publish = true, zmq.Endpoints{}
	sub := open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...)})
	subscribe(t, sub, "")
	ready(t, sub)
	publish(t, pub, message("a", "x"))
	if m := receive(t, sub, 1)[0]; m.Envelope == nil {
		t.Error("the envelope is missing")
	}
}
