package socket_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// What go-zeromq/zmq4's own tests check, in our words and through nothing but its interface.

// meet makes one zmq4.Socket listen on a transport and the others dial it.
func meet(t *testing.T, transport string, listener zmq4.Socket, dialers ...zmq4.Socket) (endpoint string) {
	t.Helper()
	switch transport {
	case "tcp":
		endpoint = anyPort
	case "ipc":
		endpoint = "ipc://" + filepath.Join(t.TempDir(), "s")
	default:
		endpoint = vacant(t, transport)
	}
	if err := listener.Listen(endpoint); err != nil {
		t.Fatal(err)
	}
	if listener.Addr() == nil {
		t.Fatal("a listener without an address")
	}
	if transport == "tcp" {
		endpoint = "tcp://" + listener.Addr().String()
	}
	for _, d := range dialers {
		if err := d.Dial(endpoint); err != nil {
			t.Fatal(err)
		}
		if d.Addr() != nil {
			t.Errorf("a dialer with the address %v", d.Addr())
		}
	}
	return endpoint
}

func eachTransport(t *testing.T, run func(t *testing.T, transport string)) {
	t.Helper()
	for _, transport := range []string{"tcp", "ipc", "inproc"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			run(t, transport)
		})
	}
}

func give(t testing.TB, s zmq4.Socket, frames ...string) {
	t.Helper()
	if err := s.Send(text(frames...)); err != nil {
		t.Error(err)
	}
}

func take(t testing.TB, s zmq4.Socket) zmq4.Msg {
	t.Helper()
	m, err := s.Recv()
	if err != nil {
		t.Error(err)
	}
	return m
}

func expect(t testing.TB, s zmq4.Socket, frames ...string) {
	t.Helper()
	if got, want := joinFrames(take(t, s)), strings.Join(frames, "|"); got != want {
		t.Errorf("received %q, want %q", got, want)
	}
}

func TestZMQ4PushPull(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport string) {
		var push, pull zmq4.Socket = open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
		meet(t, transport, push, pull)
		give(t, push, "HELLO WORLD")
		if err := push.SendMulti(text("GOOD", "BYE")); err != nil {
			t.Error(err)
		}
		expect(t, pull, "HELLO WORLD")
		expect(t, pull, "GOOD", "BYE")
	})
}

func TestZMQ4Pair(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport string) {
		var one, other zmq4.Socket = open(t, socket.NewPair(nil)), open(t, socket.NewPair(nil))
		meet(t, transport, one, other)
		for _, m := range []string{"", "MSG 1", "msg 2"} {
			give(t, one, m)
			expect(t, other, m)
			give(t, other, "reply: "+m)
			expect(t, one, "reply: "+m)
		}
	})
}

// Two requesters at once, each with its own replies (issues 70 and 99).
func TestZMQ4ReqRep(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport string) {
		var rep, one, two zmq4.Socket = open(t, socket.NewRep(nil)), open(t, socket.NewReq(nil)), open(t, socket.NewReq(nil))
		meet(t, transport, rep, one, two)
		var clients sync.WaitGroup
		for i, req := range []zmq4.Socket{one, two} {
			clients.Go(func() {
				for _, word := range []string{"NAME", "LANG", "QUIT"} {
					give(t, req, word, fmt.Sprint(i), "World!")
					expect(t, req, "reply", word, fmt.Sprint(i), "World!")
				}
			})
		}
		for quits := 0; quits < 2; {
			m := take(t, rep)
			if string(m.Frames[0]) == "QUIT" {
				quits++
			}
			give(t, rep, append([]string{"reply"}, strings.Split(joinFrames(m), "|")...)...)
		}
		clients.Wait()
	})
}

// Workers ask a ROUTER for work until each has been fired.
func TestZMQ4RouterDealer(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport string) {
		const turns = 3
		var router zmq4.Socket = open(t, socket.NewRouter(&socket.Options{Identity: "router"}))
		var dealers []zmq4.Socket
		for i := range 3 {
			dealers = append(dealers, open(t, socket.NewDealer(&socket.Options{Identity: fmt.Sprint("dealer-", i)})))
		}
		meet(t, transport, router, dealers...)
		var workers sync.WaitGroup
		for _, d := range dealers {
			workers.Go(func() {
				for turn := 1; turn <= turns; turn++ {
					give(t, d, "", "ready")
					order := []string{"", "Work Harder!"}
					if turn == turns {
						order[1] = "Fired!"
					}
					expect(t, d, order...)
				}
			})
		}
		seen := map[string]int{}
		for range turns * len(dealers) {
			id, rest, _ := strings.Cut(joinFrames(take(t, router)), "|")
			if seen[id]++; !strings.HasPrefix(id, "dealer-") || rest != "|ready" {
				t.Errorf("from %q: %q", id, rest)
			}
			order := "Work Harder!"
			if seen[id] == turns {
				order = "Fired!"
			}
			give(t, router, id, "", order)
		}
		workers.Wait()
	})
}

// PUB and XPUB to three subscribers of different topics.
func TestZMQ4PubSub(t *testing.T) {
	t.Parallel()
	for _, build := range []func(*socket.Options) socket.Socket{anySocket(socket.NewPub), anySocket(socket.NewXPub)} {
		t.Run(string(build(nil).Type()), func(t *testing.T) {
			t.Parallel()
			eachTransport(t, func(t *testing.T, transport string) {
				pub := open(t, build(nil))
				give(t, pub, "does not block without subscribers")
				var subs []zmq4.Socket
				topics := []string{"", "MSG", "msg"}
				for range topics {
					subs = append(subs, open(t, socket.NewSub(nil)))
				}
				meet(t, transport, pub, subs...)
				for i, topic := range topics {
					if err := subs[i].SetOption(zmq4.OptionSubscribe, topic); err != nil {
						t.Fatal(err)
					}
				}
				subscribers := pub.(interface{ Subscribers([]byte) int })
				eventually(t, pub, "all subscriptions", func() bool {
					return subscribers.Subscribers([]byte("MSG")) == 2 && subscribers.Subscribers([]byte("msg")) == 2
				})
				for _, m := range [][]string{{"anything"}, {"MSG 1", "B", "C"}, {"msg 2"}} {
					give(t, pub, m...)
				}
				expect(t, subs[0], "anything")
				expect(t, subs[0], "MSG 1", "B", "C")
				expect(t, subs[0], "msg 2")
				expect(t, subs[1], "MSG 1", "B", "C")
				expect(t, subs[2], "msg 2")
			})
		})
	}
}

// A subscriber that leaves does not disturb the publisher, and the other way round.
func TestZMQ4OneSideCloses(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport string) {
		pub, leaves, stays := newPub(t, nil), newSub(t, nil, "msg"), newSub(t, nil, "msg")
		meet(t, transport, pub, leaves, stays)
		eventually(t, pub, "both", func() bool { return pub.Subscribers([]byte("msg")) == 2 })
		_ = leaves.Close()
		for range 100 {
			give(t, pub, "msg")
			expect(t, stays, "msg")
		}
		_ = pub.Close()
		receiveBlocks(t, stays) // zmq4 returns EOF
	})
}

// Only types that belong together connect, and one that does not disturbs nobody.
func TestZMQ4Pairs(t *testing.T) {
	t.Parallel()
	eachPairing(t, func(t *testing.T, listener, dialer func(*socket.Options) socket.Socket) {
		eachTransport(t, func(t *testing.T, transport string) {
			s, right, wrong := open(t, listener(nil)), open(t, dialer(nil)), open(t, socket.NewPair(nil))
			if s.Type() == zmq4.Pair {
				_ = wrong.Close()
				s2 := open(t, socket.NewSub(nil))
				meet(t, transport, s, s2)
			} else {
				meet(t, transport, s, wrong)
			}
			if e := event(t, s, socket.HandshakeFailedProtocol); e.Reason == nil {
				t.Errorf("%+v", e)
			}
			if err := right.Dial(s.Bound()[0]); err != nil {
				t.Fatal(err)
			}
			connected(t, s, 1)
			connected(t, right, 1)
		})
	})
}

// Close wakes whoever waits in Recv, of every type, with or without a peer, and is not disturbed by what was not read.
func TestZMQ4CloseWakesRecv(t *testing.T) {
	t.Parallel()
	eachPairing(t, func(t *testing.T, listener, dialer func(*socket.Options) socket.Socket) {
		eachTransport(t, func(t *testing.T, transport string) {
			s, other := open(t, listener(nil)), open(t, dialer(nil))
			meet(t, transport, s, other)
			connected(t, s, 1)
			connected(t, other, 1)
			ended := make(chan error, 2)
			for _, waits := range []zmq4.Socket{s, other} {
				go func() { _, err := waits.Recv(); ended <- err }()
			}
			for _, c := range []zmq4.Socket{s, other} {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
			for range 2 {
				if err := <-ended; !errors.Is(err, socket.ErrClosed) && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, socket.ErrState) {
					t.Error(err)
				}
			}
		})
	})
}

// Some of ten clients are gone when a ROUTER answers all of them.
func TestZMQ4RouterSomeGone(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport string) {
		const clients = 10
		router := open(t, socket.NewRouter(nil))
		var all []zmq4.Socket
		for i := range clients {
			all = append(all, open(t, socket.NewDealer(&socket.Options{Identity: fmt.Sprint("client-", i)})))
		}
		meet(t, transport, router, all...)
		connected(t, router, clients)
		for _, c := range all[:clients/2] {
			go c.Close()
		}
		for i := range all {
			give(t, router, fmt.Sprint("client-", i), "payload")
		}
		for _, c := range all[clients/2:] {
			expect(t, c, "payload")
		}
		connected(t, router, clients-clients/2)
	})
}

// A full PUSH ends with its context. zmq4 takes a timeout when the socket is made; here each call has one.
func TestZMQ4PushTimeout(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport string) {
		push, pull := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
		meet(t, transport, push, pull)
		payload := strings.Repeat("x", 1<<16)
		for n := 0; !blocks(t, push, payload); n++ {
			if n > 100_000 {
				t.Fatal("never full")
			}
		}
	})
}

// A streamer with a capture socket; it ends with its context.
func TestZMQ4Proxy(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport string) {
		in, front, back, out := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil)), open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
		capture, captured := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
		meet(t, transport, front, in)
		meet(t, transport, back, out)
		meet(t, transport, captured, capture)
		_, stop := proxy(t, front, back, capture)
		for i := range 4 {
			give(t, in, "msg", fmt.Sprint(i))
			expect(t, out, "msg", fmt.Sprint(i))
			expect(t, captured, "msg", fmt.Sprint(i))
		}
		if err := stop(); err == nil {
			t.Error("the end of the context is not told")
		}
	})
}
