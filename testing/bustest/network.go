package bustest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/google/uuid"
)

// Memory returns a network of transports that are connected without sockets. It works in bubbles of testing/synctest.
func Memory() transporttest.Network {
	return transporttest.Network{Name: "memory", Open: func(testing.TB) func() transport.Transport {
		network := memory.NewNetwork(nil)
		return func() transport.Transport { return network.Join() }
	}}
}

// Inproc returns a network of ZeroMQ transports that are connected through the memory of the process.
func Inproc() transporttest.Network {
	return mesh("inproc", func(testing.TB) func() string {
		return numbered("inproc://" + uuid.NewString() + "-") // the names are the whole process's
	})
}

// IPC returns a network of ZeroMQ transports that are connected through Unix domain sockets in a directory that ends with the test.
func IPC() transporttest.Network {
	return mesh("ipc", func(t testing.TB) func() string {
		t.Helper()
		dir, err := os.MkdirTemp("", "bus") // that of t.TempDir has the name of the test, and paths of sockets have 107 bytes at most
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return numbered("ipc://" + filepath.Join(dir, "peer"))
	})
}

// TCP returns a network of ZeroMQ transports that are connected over 127.0.0.1, by ports that are free.
func TCP() transporttest.Network {
	return mesh("tcp", func(testing.TB) func() string {
		return func() string { return "tcp://127.0.0.1:0" }
	})
}

func numbered(prefix string) func() string {
	n := 0
	return func() string {
		n++
		return prefix + strconv.Itoa(n)
	}
}

// mesh returns a network whose transports bind what endpoint returns, and connect to what the ones before them have bound.
func mesh(name string, endpoints func(t testing.TB) (next func() string)) transporttest.Network {
	return transporttest.Network{Name: name, Open: func(t testing.TB) func() transport.Transport {
		t.Helper()
		if idle() {
			t.Fatalf("sockets do not work in a bubble of testing/synctest, so neither does the network %s: use bustest.Memory", name)
		}
		next := endpoints(t)
		var members []*member
		return func() transport.Transport {
			t.Helper()
			members = slices.DeleteFunc(members, (*member).gone)
			tr, err := zmq.New(joining(members, next))
			if err != nil {
				t.Fatalf("opening a transport over %s: %v", name, err)
			}
			t.Cleanup(func() { _ = tr.Close() }) // for a test that fails before it has it
			m := &member{Transport: tr}
			members = append(members, m)
			reach(t, members)
			return m
		}
	}}
}

// joining returns the options of a transport that connects to all members.
func joining(members []*member, next func() string) *zmq.Options {
	o := &zmq.Options{
		Publish: zmq.Bind(next()), Subscribe: zmq.Bind(next()), Serve: zmq.Bind(next()), Request: zmq.Bind(next()),
		Push: zmq.Bind(next()), Pull: zmq.Bind(next()),
	}
	for _, m := range members {
		b := m.Bound()
		o.Publish, o.Subscribe = o.Publish.Connect(b.Subscribe...), o.Subscribe.Connect(b.Publish...)
		o.Serve, o.Request = o.Serve.Connect(b.Request...), o.Request.Connect(b.Serve...)
		o.Push, o.Pull = o.Push.Connect(b.Pull...), o.Pull.Connect(b.Push...)
	}
	return o
}

// reach waits until each member reaches all others and no more: as publishers, with every subscription that was made, and as servers. Tasks
// need no waiting: they are kept until there is a worker.
func reach(t testing.TB, members []*member) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, m := range members {
		for changed := m.Changed(); !m.has(len(members) - 1); changed = m.Changed() {
			select {
			case <-changed:
			case <-ctx.Done():
				t.Fatalf("transport %d of %d is not connected with the others after %v: %d publishers, %d servers; %q",
					i+1, len(members), patience, m.Publishers(), m.Servers(), append(m.Pending(), m.Unserved()...))
			}
		}
	}
}

// member is a transport of a mesh. It knows when it has ended, so that others do not go on dialling it.
type member struct {
	*zmq.Transport
	ended atomic.Bool
}

func (m *member) gone() bool { return m.ended.Load() }

func (m *member) has(others int) bool { return m.Publishers() == others && m.Servers() == others }

// Shutdown is that of the transport.
func (m *member) Shutdown(ctx context.Context) error {
	m.ended.Store(true)
	return m.Transport.Shutdown(ctx)
}

// Close is that of the transport.
func (m *member) Close() error {
	m.ended.Store(true)
	return m.Transport.Close()
}
