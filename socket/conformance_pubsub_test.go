package socket_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
)

// Whatever form a peer subscribes in, the application reads the same.
func TestSpecXPubUnderstandsBothForms(t *testing.T) {
	t.Parallel()
	for form, frames := range map[string][2][]byte{
		"legacy": {zmtp.AppendSubscribe(nil, []byte("A")), zmtp.AppendCancel(nil, []byte("A"))},
		"3.1":    {command("SUBSCRIBE", "A"), command("CANCEL", "A")},
	} {
		for _, as := range []string{"SUB", "XSUB"} {
			x := open(t, socket.NewXPub(nil))
			r := connect(t, listen(t, x, anyPort)).handshake(as, 1)
			r.say(frames[0])
			want(t, x, "\x01A")
			send(t, x, "ALOL", form)
			r.want("ALOL|" + form)
			r.say(frames[1])
			want(t, x, "\x00A")
		}
	}
}

// Of a prefix XPUB reads the first subscription over all peers, and the end of the last. Verbose adds the duplicates.
func TestSpecXPubVerbose(t *testing.T) {
	t.Parallel()
	for _, verbose := range []bool{false, true} {
		x := open(t, socket.NewXPub(&socket.Options{Verbose: verbose}))
		bound := listen(t, x, anyPort)
		one, two := connect(t, bound).handshake("SUB", 0), connect(t, bound).handshake("SUB", 0)
		subscribe := func(r *raw, prefix string, told bool) {
			t.Helper()
			r.say(zmtp.AppendSubscribe(nil, []byte(prefix)))
			r.roundTrip()
			if told {
				want(t, x, "\x01"+prefix)
			}
		}
		cancel := func(r *raw, prefix string, told bool) {
			t.Helper()
			r.say(zmtp.AppendCancel(nil, []byte(prefix)))
			r.roundTrip()
			if told {
				want(t, x, "\x00"+prefix)
			}
		}
		cancel(one, "A", false) // of nothing
		subscribe(one, "A", true)
		subscribe(one, "B", true)
		subscribe(one, "A", verbose)
		subscribe(two, "A", verbose)
		send(t, x, "A")
		send(t, x, "B")
		one.want("A", "B")
		two.want("A")
		cancel(one, "A", false)
		cancel(one, "A", false)
		cancel(two, "A", true)
		cancel(two, "A", false)
		cancel(one, "B", true)
		receiveBlocks(t, x)
	}
}

// The subscriptions of a peer that leaves end with it, and XPUB reads that.
func TestSpecXPubDisconnect(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		x, s, stays := open(t, socket.NewXPub(nil)), newSub(t, nil, "foo", "bar"), newSub(t, nil, "bar")
		bound := listen(t, x, endpoint)
		dial(t, stays, bound)
		want(t, x, "\x01bar")
		dial(t, s, bound)
		want(t, x, "\x01foo")
		for range 3 {
			send(t, x, "foo", "this is foo!")
			want(t, s, "foo|this is foo!")
		}
		if err := s.Disconnect(bound); err != nil {
			t.Fatal(err)
		}
		want(t, x, "\x00foo")
		send(t, x, "foo", "nobody wants it")
		receiveBlocks(t, s)
		receiveBlocks(t, x)
	})
}

// Prefixes on both sides of the sizes where frames get the long header.
func TestSpecXPubLongTopics(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		x, s := open(t, socket.NewXPub(nil)), newSub(t, nil)
		together(t, endpoint, x, s)
		for _, size := range []int{0, 1, 244, 245, 246, 253, 254, 255, 256, 4096} {
			topic := strings.Repeat("A", size)
			if err := s.Subscribe(topic); err != nil {
				t.Fatal(err)
			}
			want(t, x, "\x01"+topic)
			if err := s.Unsubscribe(topic); err != nil {
				t.Fatal(err)
			}
			want(t, x, "\x00"+topic)
		}
	})
}

// With NoDrop a send that would lose a message for one subscriber fails, and then none gets it. Everything accepted arrives.
func TestSpecNoDrop(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(*socket.Options) socket.Socket{
		"pub":  func(o *socket.Options) socket.Socket { return socket.NewPub(o) },
		"xpub": func(o *socket.Options) socket.Socket { return socket.NewXPub(o) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, build(&socket.Options{NoDrop: true, SendHWM: 5}))
			bound := listen(t, p, anyPort)
			stalled, reading := connect(t, bound).handshake("SUB", 0), connect(t, bound).handshake("SUB", 0)
			for _, r := range []*raw{stalled, reading} {
				r.say(zmtp.AppendSubscribe(nil, []byte("m")))
				r.roundTrip()
			}
			large, n := strings.Repeat("x", 1<<20), 0
			for ; ; n++ {
				err := p.Send(text("m", fmt.Sprint(n), large))
				if errors.Is(err, socket.ErrFull) {
					break
				}
				if err != nil || n > 1000 {
					t.Fatal(n, err)
				}
				reading.want("m|" + fmt.Sprint(n) + "|" + large)
			}
			if err := p.Send(text("other", "which nobody wants")); err != nil {
				t.Error(err)
			}
			for i := range n {
				stalled.want("m|" + fmt.Sprint(i) + "|" + large)
			}
			stalled.roundTrip()
			send(t, p, "m", "next")
			stalled.want("m|next")
			reading.want("m|next")
			if s := p.Stats(); s.Dropped != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Thousands of messages beyond the mark, sent again while that is an error, all arrive in order.
func TestSpecNoDropBlocking(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		const messages = 6000
		x, s := open(t, socket.NewXPub(&socket.Options{NoDrop: true, SendHWM: 100})), newSub(t, &socket.Options{ReceiveHWM: 100}, "")
		together(t, endpoint, x, s)
		want(t, x, "\x01")
		received := 0
		for i := 0; i < messages; {
			err := x.Send(text(fmt.Sprint(i)))
			switch {
			case err == nil:
				i++
			case errors.Is(err, socket.ErrFull) && received == i: // all have come, and the last Write has not returned yet
				runtime.Gosched()
			case errors.Is(err, socket.ErrFull):
				want(t, s, fmt.Sprint(received))
				received++
			default:
				t.Fatal(err)
			}
		}
		for ; received < messages; received++ {
			want(t, s, fmt.Sprint(received))
		}
	})
}

// Subscriptions and messages carried by hand between XSUB and XPUB.
func TestSpecSubForward(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		xpub, xsub, p, s := open(t, socket.NewXPub(nil)), open(t, socket.NewXSub(nil)), newPub(t, nil), newSub(t, nil, "")
		together(t, endpoint, xpub, s)
		together(t, vacant(t, "inproc"), xsub, p)
		send(t, xsub, receive(t, xpub))
		eventually(t, p, "the subscription has come through", func() bool { return p.Subscribers(nil) == 1 })
		send(t, p, "")
		send(t, xpub, receive(t, xsub))
		want(t, s, "")
	})
}

// XSUB tells its peers a subscription and its last end; the end of nothing is not told. Everything else it sends is a message to XPUB's reader.
func TestSpecXSub(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		xpub, xsub := open(t, socket.NewXPub(nil)), open(t, socket.NewXSub(nil))
		together(t, endpoint, xpub, xsub)
		send(t, xsub, "\x00A")
		send(t, xsub, "\x01A")
		send(t, xsub, "\x01A")
		send(t, xsub, "\x00A")
		send(t, xsub, "\x02user")
		send(t, xsub, "user", "message")
		send(t, xsub, "\x01of", "two frames")
		send(t, xsub, "\x00A")
		want(t, xpub, "\x01A", "\x02user", "user|message", "\x01of|two frames", "\x00A")
		if err := xsub.Subscribe("B"); err != nil {
			t.Fatal(err)
		}
		want(t, xpub, "\x01B")
		if err := xsub.Unsubscribe("B"); err != nil {
			t.Fatal(err)
		}
		want(t, xpub, "\x00B")
	})
}

// XSUB delivers what comes, asked for or not, and tells new publishers what it has subscribed to.
func TestSpecXSubDoesNotFilter(t *testing.T) {
	t.Parallel()
	xsub := open(t, socket.NewXSub(nil))
	send(t, xsub, "\x01A") // before there is anybody
	for range 2 {
		r := connect(t, listen(t, xsub, anyPort)).handshake("PUB", 0)
		r.want("\x01A")
		r.say(say("B", "unasked"))
		want(t, xsub, "B|unasked")
	}
}

// A message that several subscriptions of one peer want comes once, and the end of one leaves the others.
func TestSpecNestedPrefixes(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		p, s := newPub(t, nil), newSub(t, nil, "a", "ab", "abc", "xyz", "xy", "x")
		dial(t, s, listen(t, p, endpoint))
		ready(t, s)
		send(t, p, "abc")
		want(t, s, "abc")
		for _, prefix := range []string{"a", "abc", "x", "xyz"} {
			if err := s.Unsubscribe(prefix); err != nil {
				t.Fatal(err)
			}
		}
		ready(t, s)
		for topic, n := range map[string]int{"a": 0, "ab": 1, "abc": 1, "x": 0, "xy": 1, "xyz": 1} {
			if got := p.Subscribers([]byte(topic)); got != n {
				t.Errorf("%s: %d subscribers, want %d", topic, got, n)
			}
		}
		send(t, p, "a")
		send(t, p, "abc")
		want(t, s, "abc")
	})
}
