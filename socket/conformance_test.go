package socket_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// What libzmq's own tests check, in our words: docs/conformance.md says which test is about which of theirs.

var inprocNames atomic.Int64

// vacant returns an endpoint that can be dialled, and on which nobody listens yet.
func vacant(t testing.TB, transport string) string {
	t.Helper()
	switch transport {
	case "tcp":
		host := "127.0.0.1"
		if runtime.GOOS == "linux" {
			host = "127.0.0.2" // no other test, whose ports are those of 127.0.0.1, is given this port meanwhile
		}
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return "tcp://" + l.Addr().String()
	case "ipc":
		return "ipc://" + filepath.Join(t.TempDir(), "s")
	default:
		return "inproc://conformance-" + strconv.FormatInt(inprocNames.Add(1), 10)
	}
}

// vacancies runs a test over each transport, with an endpoint that can be dialled before somebody listens.
func vacancies(t *testing.T, run func(t *testing.T, endpoint string)) {
	t.Helper()
	for _, transport := range []string{"tcp", "ipc", "inproc"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			run(t, vacant(t, transport))
		})
	}
}

// together makes one socket listen, lets the others dial it, and waits until all have each other.
func together(t testing.TB, endpoint string, listener socket.Socket, dialers ...socket.Socket) (bound string) {
	t.Helper()
	bound = listen(t, listener, endpoint)
	for _, d := range dialers {
		dial(t, d, bound)
	}
	for _, d := range dialers {
		connected(t, d, 1)
	}
	connected(t, listener, len(dialers))
	return bound
}

// moment is long enough to see that a call blocks: it ends with its context, not before.
const moment = 20 * time.Millisecond

func sendBlocks(t testing.TB, s socket.Socket, frames ...string) {
	t.Helper()
	if !blocks(t, s, frames...) {
		t.Fatal("sending did not block")
	}
}

func receiveBlocks(t testing.TB, s socket.Socket) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	if m, err := s.RecvContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("receiving did not block: %q, %v", m.Frames, err)
	}
}

// fill sends the numbers from 0 until that blocks, and no more than limit. It returns how many were accepted.
func fill(t testing.TB, s socket.Socket, limit int) int {
	t.Helper()
	refused := 0
	for n := 0; n < limit; {
		ctx, cancel := context.WithTimeout(t.Context(), 5*moment)
		err := s.SendContext(ctx, text(strconv.Itoa(n)))
		cancel()
		switch {
		case err == nil:
			n, refused = n+1, 0
		case !errors.Is(err, context.DeadlineExceeded):
			t.Fatal(err)
		case refused > 0: // twice: on a busy machine a context may end before there was a chance to send
			return n
		default:
			refused++
		}
	}
	return limit
}

func joinFrames(m zmq4.Msg) string {
	all := make([]string, len(m.Frames))
	for i, f := range m.Frames {
		all[i] = string(f)
	}
	return strings.Join(all, "|")
}

// desk is several services that hand in what they are asked, and answer when they are told to.
type desk struct {
	services []socket.Socket
	asked    chan asked
}

type asked struct {
	service int
	request string
}

func newDesk(t testing.TB, services ...socket.Socket) *desk {
	d := &desk{services, make(chan asked, len(services))}
	for i := range services {
		d.serve(t, i)
	}
	return d
}

func (d *desk) serve(t testing.TB, i int) {
	ctx := patient(t)
	go func() {
		if m, err := d.services[i].RecvContext(ctx); err == nil {
			d.asked <- asked{i, joinFrames(m)}
		}
	}()
}

func (d *desk) next(t testing.TB) (service int, request string) {
	t.Helper()
	select {
	case a := <-d.asked:
		return a.service, a.request
	case <-patient(t).Done():
		t.Fatal("nothing is asked")
		return 0, ""
	}
}

func (d *desk) reply(t testing.TB, service int, frames ...string) {
	t.Helper()
	send(t, d.services[service], frames...)
	d.serve(t, service)
}

func many[S socket.Socket](t testing.TB, n int, build func(*socket.Options) S) (typed []S, all []socket.Socket) {
	t.Helper()
	for range n {
		s := build(nil)
		t.Cleanup(func() { _ = s.Close() })
		typed, all = append(typed, s), append(all, s)
	}
	return typed, all
}
