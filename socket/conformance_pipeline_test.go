package socket_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// Each message goes to one peer, and the peers take strict turns. DEALER does the same.
func TestSpecRoundRobin(t *testing.T) {
	t.Parallel()
	const services = 5
	for name, senders := range map[string]func(t *testing.T) socket.Socket{
		"push":   func(t *testing.T) socket.Socket { return open(t, socket.NewPush(nil)) },
		"dealer": func(t *testing.T) socket.Socket { return open(t, socket.NewDealer(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overEach(t, func(t *testing.T, endpoint string) {
				sender := senders(t)
				var receivers []socket.Socket
				if name == "push" {
					_, receivers = many(t, services, socket.NewPull)
				} else {
					_, receivers = many(t, services, socket.NewDealer)
				}
				together(t, endpoint, sender, receivers...)
				for i := range 3 * services {
					send(t, sender, fmt.Sprint(i%services), "x")
				}
				seen := map[string]bool{}
				for _, r := range receivers {
					turn := receive(t, r)
					want(t, r, turn, turn)
					seen[turn] = true
				}
				if len(seen) != services {
					t.Errorf("%d of %d peers had a turn of their own", len(seen), services)
				}
			})
		})
	}
}

// Senders take turns at the receiver too. What they sent whole stays when they leave, which here is before anything is received.
func TestSpecFairQueue(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		const services = 5
		pull := open(t, socket.NewPull(nil))
		pushes, all := many(t, services, socket.NewPush)
		together(t, endpoint, pull, all...)
		for i, push := range pushes {
			send(t, push, fmt.Sprint(i), "first half")
			send(t, push, fmt.Sprint(i), "second half")
			if err := push.Shutdown(patient(t)); err != nil {
				t.Fatal(err)
			}
		}
		for _, half := range []string{"first half", "second half"} {
			seen := map[string]bool{}
			for range services {
				who, rest, _ := strings.Cut(receive(t, pull), "|")
				if rest != half {
					t.Errorf("%s of %s is early or late", rest, who)
				}
				seen[who] = true
			}
			if len(seen) != services {
				t.Errorf("%s: only %v", half, seen)
			}
		}
	})
}

func TestSpecNoPeers(t *testing.T) {
	t.Parallel()
	vacancies(t, func(t *testing.T, endpoint string) {
		for i, s := range []socket.Socket{open(t, socket.NewPush(nil)), open(t, socket.NewDealer(nil)), open(t, socket.NewReq(nil)), open(t, socket.NewPair(nil))} {
			sendBlocks(t, s, "neither bound nor connected")
			listen(t, s, endpoint)
			sendBlocks(t, s, "bound")
			if err := s.Unbind(endpoint); err != nil {
				t.Fatal(i, err)
			}
		}
	})
}

// A peer that leaves in the middle of a multipart message: nobody ever sees half of it.
func TestSpecMultipartIsAtomic(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 16<<20)
	push := open(t, socket.NewPush(&socket.Options{SendHWM: 1}))
	bound := listen(t, push, anyPort)
	leaving := connect(t, bound).handshake("PULL", 0)
	connected(t, push, 1)
	send(t, push, "0", "0", large)
	if _, err := leaving.Read(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = leaving.Close()
	connected(t, push, 0)
	pull := open(t, socket.NewPull(&socket.Options{ReceiveHWM: 1}))
	dial(t, pull, bound)
	send(t, push, "1", "1", large, "1b")
	send(t, push, "end")
	got := receive(t, pull)
	if got == "0|0|"+large { // it may be sent again, whole
		got = receive(t, pull)
	}
	if got != "1|1|"+large+"|1b" {
		t.Errorf("%d bytes, %.5s", len(got), got)
	}
	want(t, pull, "end")
}

// Over inproc the marks of both sides count; a side without one takes everything. Nothing accepted is lost.
func TestSpecHWM(t *testing.T) {
	t.Parallel()
	const limit = 5000
	for _, tt := range []struct{ send, receive, least, most int }{
		{-1, -1, limit, limit},
		{1, -1, limit, limit},
		{-1, 1, limit, limit},
		{1, 1, 1, 2},
		{0, 0, 1000, 2000},
		{2, 2, 2, 4},
	} {
		for _, bindFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("send %d, receive %d, bind first %t", tt.send, tt.receive, bindFirst), func(t *testing.T) {
				t.Parallel()
				push := open(t, socket.NewPush(&socket.Options{SendHWM: tt.send}))
				pull := open(t, socket.NewPull(&socket.Options{ReceiveHWM: tt.receive}))
				endpoint := vacant(t, "inproc")
				if bindFirst {
					listen(t, pull, endpoint)
					dial(t, push, endpoint)
				} else {
					dial(t, push, endpoint)
					listen(t, pull, endpoint)
				}
				connected(t, push, 1)
				sent := fill(t, push, limit)
				if sent < tt.least || sent > tt.most {
					t.Errorf("%d accepted, want %d to %d", sent, tt.least, tt.most)
				}
				for i := range sent {
					want(t, pull, fmt.Sprint(i))
				}
				send(t, push, "there is room again")
				want(t, pull, "there is room again")
			})
		}
	}
}

// With nobody at a dialled endpoint exactly the mark waits in the socket, for each endpoint, and Close counts it.
func TestSpecHWMConnectOnly(t *testing.T) {
	t.Parallel()
	vacancies(t, func(t *testing.T, endpoint string) {
		push := open(t, socket.NewPush(&socket.Options{SendHWM: 7}))
		dial(t, push, endpoint)
		if n := fill(t, push, 100); n != 7 {
			t.Errorf("%d accepted, the mark is 7", n)
		}
		dial(t, push, vacant(t, "inproc"))
		if n := fill(t, push, 100); n != 7 {
			t.Errorf("%d more for the second endpoint, the mark is 7", n)
		}
		_ = push.Close()
		if s := push.Stats(); s.Dropped != 14 {
			t.Errorf("%d counted as dropped, want 14", s.Dropped)
		}
	})
}

// libzmq sends every second message to the absent peer, where it is stuck. Here the first that is there gets them all.
func TestSpecImmediate(t *testing.T) {
	t.Parallel()
	vacancies(t, func(t *testing.T, endpoint string) {
		for _, immediate := range []bool{false, true} {
			push, pull := open(t, socket.NewPush(&socket.Options{Immediate: immediate})), open(t, socket.NewPull(nil))
			dial(t, push, endpoint, vacant(t, "inproc"))
			if immediate {
				sendBlocks(t, push, "nobody is there")
			} else {
				send(t, push, "early")
			}
			listen(t, pull, endpoint)
			if !immediate {
				want(t, pull, "early")
			}
			for i := range 10 {
				send(t, push, fmt.Sprint(i))
			}
			for i := range 10 {
				want(t, pull, fmt.Sprint(i))
			}
			receiveBlocks(t, pull)
			_ = push.Close()
			_ = pull.Close()
		}
	})
}

// With Immediate a lost connection blocks the sender until it is back.
func TestSpecImmediateAfterALoss(t *testing.T) {
	t.Parallel()
	vacancies(t, func(t *testing.T, endpoint string) {
		frontend := open(t, socket.NewDealer(&socket.Options{Immediate: true, ReconnectInterval: moment}))
		dial(t, frontend, endpoint)
		for range 2 {
			backend := open(t, socket.NewDealer(nil))
			listen(t, backend, endpoint)
			send(t, backend, "hello")
			want(t, frontend, "hello")
			send(t, frontend, "hello yourself")
			want(t, backend, "hello yourself")
			_ = backend.Close()
			connected(t, frontend, 0)
			sendBlocks(t, frontend, "nobody")
		}
	})
}

// A receive that timed out has taken nothing and done no harm.
func TestSpecTimeout(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		frontend, backend := open(t, socket.NewDealer(nil)), open(t, socket.NewDealer(nil))
		together(t, endpoint, frontend, backend)
		receiveBlocks(t, frontend)
		ctx, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		if n, err := frontend.RecvBatch(ctx, make([]zmq4.Msg, 3)); n != 0 || err == nil {
			t.Errorf("%d messages, %v", n, err)
		}
		send(t, backend, "hello")
		want(t, frontend, "hello")
	})
}

// Only the newest message stays, at the receiver and at the sender; unlike libzmq's, it may have many frames.
func TestSpecConflate(t *testing.T) {
	t.Parallel()
	vacancies(t, func(t *testing.T, endpoint string) {
		push, pull := open(t, socket.NewPush(&socket.Options{Conflate: true})), open(t, socket.NewPull(nil))
		dial(t, push, endpoint)
		for i := range 20 {
			send(t, push, "newest", fmt.Sprint(i))
		}
		listen(t, pull, endpoint)
		want(t, pull, "newest|19")
		receiveBlocks(t, pull)
	})
	t.Run("publisher", func(t *testing.T) {
		t.Parallel()
		p := newPub(t, &socket.Options{Conflate: true})
		r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0)
		r.say(zmtp.AppendSubscribe(nil, nil))
		r.roundTrip()
		payload := bytes.Repeat([]byte("x"), 1<<20)
		const messages = 50
		for i := range messages {
			if err := p.Send(zmq4.NewMsgFrom(fmt.Append(nil, i), payload)); err != nil {
				t.Fatal(err)
			}
		}
		newest := fmt.Sprint(messages - 1)
		n := 1
		for ; !strings.HasPrefix(r.next(), newest+"|"); n++ {
		}
		if n == messages || p.Stats().Conflated+uint64(n) != messages {
			t.Errorf("%d of %d messages arrived, %d conflated", n, messages, p.Stats().Conflated)
		}
	})
}
