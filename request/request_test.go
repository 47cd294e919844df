package request_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/go-zeromq/zmq4"
)

func TestEachGetsItsOwnReply(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		there := open()
		serve(t, there, double, func(ctx context.Context, n int) (int, error) {
			if n%7 == 0 { // some overtake others
				select {
				case <-time.After(time.Millisecond):
				case <-ctx.Done():
				}
			}
			return 2 * n, nil
		}, nil)
		var all sync.WaitGroup
		for range 3 {
			here := open()
			for range 2 {
				cl := newClient(t, here, double, &request.Options{Timeout: patience})
				for range 10 {
					all.Go(func() {
						for range 50 {
							n := rand.N(1_000_000)
							if got, err := cl.Do(t.Context(), n); got != 2*n || err != nil {
								t.Errorf("%d: %d, %v", n, got, err)
							}
						}
					})
				}
			}
		}
		all.Wait()
		if s := there.Stats().Transport; s.RepliesDropped != 0 || s.LateReplies != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Three servers, one of which is slow: it gets less.
func TestLoadIsBalanced(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		slow := bustest.NewCall(t, double, doubled, bustest.Block())
		quick := [2]*bustest.Call[int, int]{bustest.NewCall(t, double, doubled), bustest.NewCall(t, double, doubled)}
		for _, handler := range append(quick[:], slow) {
			serve(t, open(), double, handler.Handle, nil)
		}
		cl := newClient(t, open(), double, &request.Options{Timeout: patience, Attempts: 1})
		if err := cl.WaitServers(patient(t), 3); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 3)
		go func() {
			for range 3 { // one goes to each
				_, err := cl.Do(t.Context(), 1)
				done <- err
			}
		}()
		slow.WaitRunning(1)
		for range 100 {
			if _, err := cl.Do(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		if n, one, other := len(slow.Seen()), len(quick[0].Seen()), len(quick[1].Seen()); n != 1 || one < 40 || other < 40 {
			t.Errorf("%d, %d, %d", n, one, other)
		}
		slow.Release()
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A REP of another library, which answers with the payload alone.
func TestPlainServers(t *testing.T) {
	t.Parallel()
	rep := socket.NewRep(&socket.Options{})
	defer func() { _ = rep.Close() }()
	if err := rep.Listen(anyPort); err != nil {
		t.Fatal(err)
	}
	var server sync.WaitGroup
	const questions = 100
	server.Go(func() {
		for range questions {
			m, err := rep.Recv()
			if err != nil {
				t.Error(err)
				return
			}
			if err := rep.Send(zmq4.NewMsgFrom(append([][]byte{[]byte("1")}, m.Frames...)...)); err != nil {
				t.Error(err)
			}
		}
	})
	here, _ := join(t, zmq.Options{Request: zmq.Connect(rep.Bound()...)})
	cl := newClient(t, here, double, &request.Options{Plain: true})
	for n := range questions {
		if got, err := cl.Do(t.Context(), n); fmt.Sprint(got) != fmt.Sprintf("1%d", n) || err != nil {
			t.Fatalf("%d, %v", got, err)
		}
	}
	server.Wait() // a reply may arrive before Send has returned
}

// A REQ, and a DEALER that sends no empty frame.
func TestPlainClients(t *testing.T) {
	t.Parallel()
	there, tr := join(t, zmq.Options{Serve: zmq.Bind(anyPort)})
	serve(t, there, double, twice, &request.ServeOptions{Default: true})
	req, dealer := socket.NewReq(nil), socket.NewDealer(nil)
	for _, s := range []socket.Socket{req, dealer} {
		defer func() { _ = s.Close() }()
		if err := s.Dial(tr.Bound().Serve[0]); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := s.Send(zmq4.NewMsgString("21")); err != nil {
				t.Fatal(err)
			}
			if m, err := s.RecvContext(patient(t)); err != nil || len(m.Frames) != 1 || string(m.Frames[0]) != "42" {
				t.Errorf("%s: %q, %v", s.Type(), m.Frames, err)
			}
		}
		if err := s.Send(zmq4.NewMsgString("no number")); err != nil {
			t.Fatal(err)
		}
		if m, err := s.RecvContext(patient(t)); err != nil || len(m.Frames) != 1 || len(m.Frames[0]) != 0 {
			t.Errorf("%s: %q, %v", s.Type(), m.Frames, err)
		}
	}
}

// The context of a handler in another process ends with that of the client.
func TestCancelReachesTheHandler(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		there, here := open(), open()
		handler := bustest.NewCall(t, double, doubled, bustest.Block(), bustest.Block())
		serve(t, there, double, handler.Handle, nil)
		cl := newClient(t, here, double, &request.Options{Timeout: patience})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := cl.Do(ctx, 1)
			done <- err
		}()
		handler.WaitRunning(1)
		cancel()
		if err := <-done; err != context.Canceled {
			t.Error(err)
		}
		if err := handler.Wait(1)[0].Err; err != context.Canceled {
			t.Error(err)
		}
		go func() {
			_, err := cl.Do(t.Context(), 1)
			done <- err
		}()
		handler.WaitRunning(1)
		_ = here.Close() // the connection is lost
		if err := handler.Wait(2)[1].Err; err != context.Canceled {
			t.Error(err)
		}
		if err := <-done; err != bus.ErrClosed {
			t.Error(err)
		}
	})
}

// The handler runs once although the connection over which it was asked is gone.
func TestIdempotentAcrossConnections(t *testing.T) {
	t.Parallel()
	there, tr := join(t, zmq.Options{Serve: zmq.Bind(anyPort)})
	handler := bustest.NewCall(t, double, doubled, bustest.Block())
	s := serve(t, there, double, handler.Handle, &request.ServeOptions{Idempotent: request.Idempotent(10)})
	link := newRelay(t, tr.Bound().Serve[0])
	here, _ := join(t, zmq.Options{Request: zmq.Connect(link.endpoint)})
	cl := newClient(t, here, double, &request.Options{Timeout: patience})
	done := make(chan error)
	go func() {
		n, err := cl.Do(t.Context(), 21)
		if n != 42 {
			err = errors.Join(err, fmt.Errorf("%d", n))
		}
		done <- err
	}()
	handler.WaitRunning(1)
	link.cut()
	if err := cl.WaitServers(patient(t), 1); err != nil {
		t.Error(err)
	}
	handler.Release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if runs := handler.Seen(); len(runs) != 1 || cl.Stats().Lost != 1 || s.Stats().Repeated != 1 {
		t.Errorf("runs %v, %+v, %+v", runs, cl.Stats(), s.Stats())
	}
}

// relay passes bytes on to an endpoint, over connections that can be cut.
type relay struct {
	endpoint string
	mu       sync.Mutex
	conns    []net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{endpoint: "tcp://" + l.Addr().String()}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to[len("tcp://"):])
			if err != nil {
				_ = from.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, from, there)
			r.mu.Unlock()
			all.Go(func() { pass(from, there) })
			all.Go(func() { pass(there, from) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		r.cut()
		all.Wait()
	})
	return r
}

func pass(from, to net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = from.Close(), to.Close()
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

// The counters balance at every moment.
func TestCounters(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		s := serve(t, b, double, func(ctx context.Context, n int) (int, error) {
			select {
			case <-time.After(time.Duration(rand.N(50)) * time.Millisecond):
			case <-ctx.Done():
			}
			if n%3 == 0 {
				return 0, errors.New("no")
			}
			return n, ctx.Err()
		}, &request.ServeOptions{Workers: 3, Queue: 4})
		cl := newClient(t, b, double, &request.Options{Timeout: 100 * time.Millisecond})
		stop := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				if c := s.Stats(); c.Requests != c.Queued+c.Running+c.Succeeded+c.Failed+c.Expired+c.Refused {
					t.Errorf("%+v", c)
				}
				if c := cl.Stats(); c.Requests != c.Running+c.Succeeded+c.Failed {
					t.Errorf("%+v", c)
				}
			}
		})
		var askers sync.WaitGroup
		for i := range 8 {
			askers.Go(func() {
				for n := range 50 {
					if i%2 == 0 {
						_, _ = cl.Do(t.Context(), n) // how it ends is counted
					} else {
						peers.ask(t, call("math.double", uint64(1000*i+n+1), fmt.Sprint(n), "deadline", fmt.Sprint(rand.N(100)))).outcome(t)
					}
				}
			})
		}
		askers.Wait()
		close(stop)
		all.Wait()
		synctest.Wait()
		c := s.Stats()
		if c.Requests != 400 || c.Queued+c.Running != 0 || c.Succeeded == 0 || c.Failed == 0 {
			t.Errorf("%+v", c)
		}
	})
}
