package socket_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
)

// types are all socket types, in pairs that talk to each other.
var types = []struct {
	name string
	a, b func(*socket.Options) socket.Socket
}{
	{"PUB SUB", as(socket.NewPub), as(socket.NewSub)},
	{"XPUB XSUB", as(socket.NewXPub), as(socket.NewXSub)},
	{"PUSH PULL", as(socket.NewPush), as(socket.NewPull)},
	{"REQ REP", as(socket.NewReq), as(socket.NewRep)},
	{"DEALER ROUTER", as(socket.NewDealer), as(socket.NewRouter)},
	{"PAIR PAIR", as(socket.NewPair), as(socket.NewPair)},
}

func as[S socket.Socket](make func(*socket.Options) S) func(*socket.Options) socket.Socket {
	return func(o *socket.Options) socket.Socket { return make(o) }
}

// A thousand sockets of every type and transport, connected and closed, leave nothing behind.
func TestOpenAndClose(t *testing.T) { // not parallel: it counts the goroutines and descriptors of the process
	const cycles = 1000
	dir := t.TempDir()
	first := open(t, socket.NewPull(nil)) // the runtime opens descriptors of its own with the first socket of the process
	listen(t, first, anyPort)
	for _, scheme := range []string{"tcp", "ipc", "inproc"} {
		for _, pair := range types {
			goroutines, descriptors := runtime.NumGoroutine(), openFiles(t)
			for i := range cycles {
				endpoint := map[string]string{"tcp": anyPort, "ipc": "ipc://" + filepath.Join(dir, "s"), "inproc": "inproc://cycle"}[scheme]
				a, b := pair.a(nil), pair.b(nil)
				dial(t, b, listen(t, a, endpoint))
				if i%4 > 0 { // or close it at some moment of its making
					connected(t, a, 1)
				}
				for _, s := range []socket.Socket{a, b} {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			for deadline := time.Now().Add(patience); runtime.NumGoroutine() > goroutines; runtime.Gosched() { // the last ones are on their way out
				if time.Now().After(deadline) {
					t.Fatalf("%s over %s: %d goroutines, %d before", pair.name, scheme, runtime.NumGoroutine(), goroutines)
				}
			}
			if n := openFiles(t); n > descriptors {
				t.Errorf("%s over %s: %d descriptors, %d before", pair.name, scheme, n, descriptors)
			}
		}
	}
}

// openFiles counts the descriptors of this process, where the system lists them.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// A publisher and its subscriber that shut down at the same moment do not reset each other's connection, and neither takes the other for lost.
func TestShutdownTogether(t *testing.T) {
	t.Parallel()
	for _, pair := range types[:2] {
		t.Run(pair.name, func(t *testing.T) {
			t.Parallel()
			for i := range 20 {
				a, b := open(t, pair.a(nil)), open(t, pair.b(nil))
				if err := b.(interface{ Subscribe(string) error }).Subscribe(""); err != nil {
					t.Fatal(err)
				}
				dial(t, b, listen(t, a, anyPort))
				eventually(t, a, "a subscriber", func() bool { return a.(interface{ Subscribers([]byte) int }).Subscribers(nil) == 1 })
				for range 100 {
					send(t, a, "x", fmt.Sprint(i))
				}
				ended := make(chan error, 1)
				go func() { ended <- b.Shutdown(patient(t)) }()
				if err := a.Shutdown(patient(t)); err != nil {
					t.Error(err)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		})
	}
}
