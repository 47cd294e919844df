package chaos_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
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
	// forEver is the timeout of a request that must not depend on it.
	forEver = -1
)

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// ipc returns an endpoint that is known, and nobody else's, before anything is bound to it.
func ipc(t *testing.T) string {
	t.Helper()
	return "ipc://" + filepath.Join(t.TempDir(), "s")
}

// overEach runs a test with an endpoint of each kind that leaves the process.
func overEach(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		test(t, anyPort)
	})
	t.Run("ipc", func(t *testing.T) {
		t.Parallel()
		test(t, ipc(t))
	})
}

// join returns a bus of this process. What it dials and does not find it dials again at once.
func join(t *testing.T, o zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	tr, err := zmq.New(restless(o))
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

func restless(o zmq.Options) *zmq.Options {
	o.ReconnectInterval, o.ReconnectMax = 10*time.Millisecond, 50*time.Millisecond
	return &o
}

// next waits for the next of what comes.
func next[E any](t *testing.T, c <-chan E) (e E) {
	t.Helper()
	select {
	case e = <-c:
	case <-patient(t).Done():
		t.Fatal("nothing came")
	}
	return e
}

// must fails the test's process, or its child.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
