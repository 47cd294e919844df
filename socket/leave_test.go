package socket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
)

// flushing asks for the confirmation of all that came before.
const flushing = "/\x04PING\x00\x96F"

// publishers are the sockets that have subscribers.
var publishers = map[string]func(*socket.Options) socket.Socket{"PUB": as(socket.NewPub), "XPUB": as(socket.NewXPub)}

// A subscriber of ours that hangs up before it has confirmed what it was sent is named by Shutdown, and one that has unsubscribed from
// everything is not.
func TestShutdownOfAPeerThatHangsUp(t *testing.T) {
	t.Parallel()
	for name, make := range publishers {
		for farewell, owed := range map[string]bool{"": true, "a": true, "a b": false} {
			t.Run(name+"/"+farewell, func(t *testing.T) {
				t.Parallel()
				p := open(t, make(nil))
				r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0, "X-Fanfare=1")
				r.say(zmtp.AppendSubscribe(nil, []byte("a")), zmtp.AppendSubscribe(nil, []byte("b")))
				r.roundTrip()
				send(t, p, "a", "1")
				ended := goShutdown(t, p)
				r.want("a|1", flushing)
				for _, prefix := range strings.Fields(farewell) {
					r.say(zmtp.AppendCancel(nil, []byte(prefix)))
				}
				r.roundTrip()
				_ = r.Close()
				err := <-ended
				if !owed {
					if err != nil {
						t.Error(err)
					}
					return
				}
				var left *socket.FlushError
				if !errors.As(err, &left) || !errors.Is(err, io.EOF) || len(left.Peers) != 1 || left.Peers[0].Remote != "tcp://"+r.LocalAddr().String() || left.Peers[0].Queued != 0 {
					t.Errorf("%v, want one that names tcp://%v", err, r.LocalAddr())
				}
			})
		}
	}
}

func goShutdown(t *testing.T, s socket.Socket) <-chan error {
	t.Helper()
	ctx, ended := patient(t), make(chan error, 1)
	go func() { ended <- s.Shutdown(ctx) }()
	return ended
}

// A SUB that shuts down takes back every prefix at publishers of ours, and leaves when they have confirmed it. What they send until then is
// read: their connection is not reset.
func TestShutdownUnsubscribes(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*socket.Options) socket.Socket{"SUB": as(socket.NewSub), "XSUB": as(socket.NewXSub)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, make(&socket.Options{ReceiveHWM: 1}))
			for _, prefix := range []string{"a", "a", "b", "gone"} {
				_ = s.(subscribing).Subscribe(prefix)
			}
			_ = s.(subscribing).Unsubscribe("gone")
			r := connect(t, listen(t, s, anyPort)).handshake("PUB", 0, "X-Fanfare=1")
			r.want("\x01a", "\x01b")
			if ping := r.next(); !strings.HasPrefix(ping, "/\x04PING\x00\x96S") {
				t.Fatalf("%q", ping)
			}
			for i := range 100 { // it does not receive, and reads no more than a few
				r.say(zmtp.AppendMessage(nil, [][]byte{fmt.Append(nil, "a", i)}))
			}
			ended := goShutdown(t, s)
			r.want("\x00a", "\x00b", flushing)
			r.say(zmtp.AppendMessage(nil, [][]byte{[]byte("late")}))
			r.roundTrip()
			select {
			case err := <-ended:
				t.Fatal("left unconfirmed:", err)
			default:
			}
			r.say(zmtp.AppendPong(nil, []byte("F")))
			r.want("EOF")
			_ = r.Close()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if n := s.(subscribing).Publishers(); n != 0 {
				t.Errorf("%d publishers", n)
			}
		})
	}
}

type subscribing interface {
	Subscribe(prefix string) error
	Unsubscribe(prefix string) error
	Publishers() int
}

// A publisher that goes first, and one that says nothing, keep no SUB from leaving; only of the latter there is an error, at the end of the
// context.
func TestShutdownUnsubscribesInVain(t *testing.T) {
	t.Parallel()
	s := newSub(t, nil, "a")
	at := listen(t, s, anyPort)
	gone, silent := connect(t, at).handshake("PUB", 0, "X-Fanfare=1"), connect(t, at).handshake("PUB", 0, "X-Fanfare=1")
	connected(t, s, 2)
	ctx, cancel := context.WithCancel(patient(t))
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(ctx) }()
	for _, r := range []*raw{gone, silent} {
		for r.next() != flushing {
		}
	}
	_ = gone.Close()
	connected(t, s, 1)
	cancel()
	err := <-ended
	var left *socket.FlushError
	if !errors.As(err, &left) || !errors.Is(err, context.Canceled) || len(left.Peers) != 1 || left.Peers[0].Queued != 0 {
		t.Error(err)
	}
}

// To one publisher a SUB says farewell and stays with the others: what it subscribes to then is not told to the one that it leaves.
func TestDisconnectUnsubscribes(t *testing.T) {
	t.Parallel()
	s := newSub(t, nil, "a")
	at := listen(t, s, anyPort)
	r := connect(t, at).handshake("PUB", 0, "X-Fanfare=1")
	r.want("\x01a")
	r.next() // the PING that asks whether it is in force
	if err := s.Unbind(at); err != nil {
		t.Fatal(err)
	}
	r.want("\x00a", flushing)
	if err := s.Subscribe("b"); err != nil {
		t.Fatal(err)
	}
	if pending := s.Pending(); len(pending) != 0 {
		t.Errorf("pending %q", pending)
	}
	r.say(zmtp.AppendPong(nil, []byte("F")))
	r.want("EOF")
}

// readyUnderLoad waits until s is ready, and receives meanwhile: the answer comes behind what is published, which may be more than s holds.
func readyUnderLoad(t *testing.T, s *socket.Sub) {
	t.Helper()
	ctx, cancel := context.WithCancel(patient(t))
	var receiving sync.WaitGroup
	receiving.Go(func() {
		for ctx.Err() == nil {
			if _, err := s.RecvContext(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	})
	ready(t, s)
	cancel()
	receiving.Wait()
}

// Subscribers leave while messages are published as fast as can be: nobody resets a connection, and the publisher's own end is not disturbed.
func TestLeaveWhilePublishing(t *testing.T) {
	t.Parallel()
	for name, make := range publishers {
		for _, transport := range []string{"tcp", "inproc"} {
			t.Run(name+" "+transport, func(t *testing.T) {
				t.Parallel()
				p := open(t, make(nil))
				at := listen(t, p, map[string]string{"tcp": anyPort, "inproc": "inproc://" + t.Name()}[transport])
				var publishing sync.WaitGroup
				for range 2 {
					publishing.Go(func() {
						for p.Send(text("topic", "payload")) == nil {
						}
					})
				}
				for round := range 3 {
					var leaving sync.WaitGroup
					for range 3 {
						s := newSub(t, nil, "topic")
						dial(t, s, at)
						readyUnderLoad(t, s)
						leaving.Go(func() {
							if err := s.Shutdown(patient(t)); err != nil {
								t.Error(err)
							}
						})
						leaving.Go(func() { // what comes with the end is taken back too, or refused
							for i := 0; i < 100 && s.Subscribe(fmt.Sprint("topic", i)) == nil; i++ {
							}
						})
					}
					if round == 2 { // at last all at once
						if err := p.Shutdown(patient(t)); err != nil {
							t.Error(err)
						}
					}
					leaving.Wait()
				}
				publishing.Wait()
			})
		}
	}
}
