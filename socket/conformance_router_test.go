package socket_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

func TestSpecRouterFairQueue(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		router := open(t, socket.NewRouter(nil))
		var dealers []socket.Socket
		for _, id := range []string{"A", "B", "C", "D", "E"} {
			dealers = append(dealers, open(t, socket.NewDealer(&socket.Options{Identity: id})))
		}
		together(t, endpoint, router, dealers...)
		for range 2 {
			send(t, dealers[0], "M")
			want(t, router, "A|M")
		}
		for _, d := range dealers {
			send(t, d, "M", "1")
			send(t, d, "M", "2")
			if err := d.Shutdown(patient(t)); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range []string{"1", "2"} {
			sum := 0
			for range dealers {
				got := receive(t, router)
				if got[1:] != "|M|"+n {
					t.Errorf("%q is out of turn", got)
				}
				sum |= 1 << (got[0] - 'A')
			}
			if sum != 1<<5-1 {
				t.Errorf("heard %b", sum)
			}
		}
	})
}

// A peer that is gone can no longer be sent to. Its message stays, unlike in libzmq.
func TestSpecRouterQueueOfALostPeer(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		router, dealer := open(t, socket.NewRouter(&socket.Options{Mandatory: true})), open(t, socket.NewDealer(&socket.Options{Identity: "B"}))
		bound := together(t, endpoint, router, dealer)
		send(t, router, "B", "ABC")
		want(t, dealer, "ABC")
		send(t, dealer, "DEF")
		want(t, router, "B|DEF")
		if err := dealer.Disconnect(bound); err != nil {
			t.Fatal(err)
		}
		connected(t, router, 0)
		if err := router.Send(text("B", "GHI")); !errors.Is(err, socket.ErrUnroutable) {
			t.Error(err)
		}
		sendBlocks(t, dealer, "nobody")
		dial(t, dealer, bound)
		connected(t, router, 1)
		receiveBlocks(t, router)
		receiveBlocks(t, dealer)
	})
}

func TestSpecRouterMandatory(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		lenient, router, dealer := open(t, socket.NewRouter(nil)), open(t, socket.NewRouter(&socket.Options{Mandatory: true})), open(t, socket.NewDealer(&socket.Options{Identity: "X"}))
		send(t, lenient, "UNKNOWN", "DATA")
		if n := lenient.Stats().Unroutable; n != 1 {
			t.Errorf("%d counted as unroutable", n)
		}
		if err := router.Send(text("UNKNOWN", "DATA")); !errors.Is(err, socket.ErrUnroutable) {
			t.Error(err)
		}
		if _, ok := router.Peer([]byte("X")); ok {
			t.Error("X is known already")
		}
		together(t, endpoint, router, dealer)
		if p, ok := router.Peer([]byte("X")); !ok || p.Identity != "X" || p.Type != zmq4.Dealer {
			t.Errorf("%+v, %t", p, ok)
		}
		send(t, dealer, "hello")
		want(t, router, "X|hello")
		send(t, router, "X", "hello")
		want(t, dealer, "hello")
	})
}

// A full queue is an error with Mandatory, and a counted loss without; in both cases for that peer only.
func TestSpecRouterHWM(t *testing.T) {
	t.Parallel()
	for _, mandatory := range []bool{true, false} {
		router := open(t, socket.NewRouter(&socket.Options{Mandatory: mandatory, SendHWM: 3}))
		bound := listen(t, router, anyPort)
		stalled := connect(t, bound).handshake("DEALER", 0, "Identity=X")
		other := connect(t, bound).handshake("DEALER", 0, "Identity=Y")
		connected(t, router, 2)
		large, n := strings.Repeat("x", 1<<20), 0
		var err error
		var room <-chan struct{}
		for ; err == nil && router.Stats().Dropped == 0; n++ {
			room = router.Changed() // before the refusal: there may be room again right after it
			err = router.Send(text("X", fmt.Sprint(n), large))
		}
		if mandatory != errors.Is(err, socket.ErrFull) {
			t.Fatalf("mandatory %t: %v after %d", mandatory, err, n)
		}
		send(t, router, "Y", "goes on")
		other.want("goes on")
		for i := range n - 1 {
			stalled.want(fmt.Sprint(i) + "|" + large)
		}
		stalled.roundTrip()
		if mandatory {
			select {
			case <-room:
			case <-patient(t).Done():
				t.Fatal("Changed does not tell of room")
			}
		}
		send(t, router, "X", "has room again")
		stalled.want("has room again")
	}
}

// A ROUTER reaches each of many short-lived peers as soon as it has them.
func TestSpecIssue566(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		router := open(t, socket.NewRouter(&socket.Options{Mandatory: true}))
		bound := listen(t, router, endpoint)
		for cycle := range 50 {
			id := fmt.Sprintf("%09d", cycle)
			dealer := open(t, socket.NewDealer(&socket.Options{Identity: id}))
			dial(t, dealer, bound)
			eventually(t, router, "the peer "+id, func() bool { _, ok := router.Peer([]byte(id)); return ok })
			send(t, router, id, "HELLO")
			want(t, dealer, "HELLO")
			_ = dealer.Close()
		}
	})
}

// REQ to ROUTER and back from REP to DEALER, forwarded by hand.
func TestSpecReqRepDevice(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		router, dealer, req, rep := open(t, socket.NewRouter(nil)), open(t, socket.NewDealer(nil)), open(t, socket.NewReq(nil)), open(t, socket.NewRep(nil))
		together(t, endpoint, router, req)
		together(t, vacant(t, "inproc"), dealer, rep)
		forward := func(from, to socket.Socket) {
			t.Helper()
			m, err := from.RecvContext(patient(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := to.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		send(t, req, "ABC", "DEF")
		forward(router, dealer)
		want(t, rep, "ABC|DEF")
		send(t, rep, "GHI", "JKL")
		forward(dealer, router)
		want(t, req, "GHI|JKL")
	})
}
