package socket_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// office is a pattern that notes what its connections tell.
type office struct {
	up       chan *clerk
	hold     chan struct{} // while it is not closed, Messages waits; nil: it does not
	stay     chan struct{} // the same for Closed
	messages chan string
	commands chan string
	written  chan struct{}
}

// clerk is the session of one connection.
type clerk struct {
	*socket.Connection
	office *office
	down   chan error
}

func newOffice() *office {
	return &office{up: make(chan *clerk, 10), messages: make(chan string, 1000), commands: make(chan string, 1000), written: make(chan struct{}, 10_000)}
}

func (d *office) Connected(c *socket.Connection) socket.Session {
	s := &clerk{c, d, make(chan error, 1)}
	d.up <- s
	return s
}

func (c *clerk) Messages(batch [][][]byte) {
	if c.office.hold != nil {
		<-c.office.hold
	}
	for _, m := range batch {
		c.office.messages <- fmt.Sprintf("%q", m)
	}
}
func (c *clerk) Command(name string, body []byte) { c.office.commands <- name + " " + string(body) }
func (c *clerk) Written()                         { c.office.written <- struct{}{} }

func (c *clerk) Closed(err error) {
	c.down <- err
	if c.office.stay != nil {
		<-c.office.stay
	}
}

func newCustom(t testing.TB, typ zmq4.SocketType, opts *socket.Options) (*socket.Custom, *office) {
	t.Helper()
	d := newOffice()
	s := socket.NewCustom(typ, d, opts)
	t.Cleanup(func() { _ = s.Close() })
	return s, d
}

func got[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-patient(t).Done():
		t.Fatal("nothing comes")
	}
	return *new(T)
}

// overWires runs a test over every kind of connection.
func overWires(t *testing.T, f func(t *testing.T, endpoint string)) {
	for name, endpoint := range map[string]string{"tcp": anyPort, "ipc": "ipc://" + t.TempDir() + "/s", "inproc": "inproc://" + t.Name()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, endpoint)
		})
	}
}

// hasty is an office that is not done with a connection before two messages have arrived that it sends there.
type hasty struct {
	*office
	arrived chan string
}

func (h hasty) Connected(c *socket.Connection) socket.Session {
	for _, text := range []string{"first", "second"} { // once the second has come, all is told of the first
		if err := c.Send([][]byte{[]byte(text)}, socket.Now); err == nil {
			<-h.arrived
		}
	}
	return h.office.Connected(c)
}

// What is written before the session of a connection is known is told when it is. Over inproc the other side writes.
func TestWrittenBeforeTheSession(t *testing.T) {
	t.Parallel()
	b, atB := newCustom(t, zmq4.Router, nil)
	h := hasty{newOffice(), atB.messages}
	a := socket.NewCustom(zmq4.Dealer, h, nil)
	t.Cleanup(func() { _ = a.Close() })
	dial(t, a, listen(t, b, "inproc://"+t.Name()))
	got(t, h.up)
	got(t, h.written)
}

func TestCustom(t *testing.T) {
	t.Parallel()
	overWires(t, func(t *testing.T, endpoint string) {
		a, atA := newCustom(t, zmq4.Dealer, nil)
		b, atB := newCustom(t, zmq4.Router, nil)
		if missing := a.Unconnected(); len(missing) != 0 {
			t.Errorf("%q", missing)
		}
		dial(t, a, listen(t, b, endpoint))
		here, there := got(t, atA.up), got(t, atB.up)
		if !here.Own() || here.Peer().Type != zmq4.Router || !there.Own() || there.Peer().Type != zmq4.Dealer {
			t.Errorf("%+v, %+v", here.Peer(), there.Peer())
		}
		for i, flags := range []socket.SendFlags{0, socket.Now, socket.Owned, socket.Now | socket.Owned, socket.Beyond} {
			frames := [][]byte{[]byte(fmt.Sprint(i)), nil, []byte("x")}
			if err := here.Send(frames, flags); err != nil {
				t.Fatal(err)
			}
			if m := got(t, atB.messages); m != fmt.Sprintf("%q", frames) {
				t.Errorf("%s", m)
			}
			got(t, atA.written)
			if n := here.Sent(); n != uint64(i+1) {
				t.Errorf("%d sent, want %d", n, i+1)
			}
		}
		written := make(chan struct{})
		there.Connection.Command("FFTEST", []byte("body"), func() { close(written) })
		if c := got(t, atA.commands); c != "FFTEST body" {
			t.Errorf("%q", c)
		}
		got(t, written)
		var size *socket.MessageError
		if err := here.Send(nil, 0); !errors.As(err, &size) {
			t.Errorf("%v", err)
		}
		var unsupported *socket.UnsupportedError
		if err := a.Send(zmq4.NewMsgString("x")); !errors.As(err, &unsupported) {
			t.Errorf("%v", err)
		}
		if _, err := a.Recv(); !errors.As(err, &unsupported) {
			t.Errorf("%v", err)
		}
		cause := errors.New("enough")
		there.Close(cause)
		if err := got(t, there.down); err != cause {
			t.Errorf("%v", err)
		}
		got(t, here.down)
		for _, c := range []*clerk{here, there} {
			if err := c.Send([][]byte{nil}, 0); err != socket.ErrClosed {
				t.Errorf("%v", err)
			}
		}
		next := got(t, atA.up) // it dials again
		if err := next.Send([][]byte{[]byte("again")}, socket.Now); err != nil {
			t.Error(err)
		}
		if m := got(t, atB.messages); m != `["again"]` {
			t.Error(m)
		}
	})
}

func TestCustomUnconnected(t *testing.T) {
	t.Parallel()
	s, _ := newCustom(t, zmq4.Push, nil)
	at := "ipc://" + t.TempDir() + "/nobody"
	dial(t, s, at)
	if missing := s.Unconnected(); len(missing) != 1 || !strings.HasPrefix(missing[0], at) {
		t.Errorf("%q", missing)
	}
}

// A full connection refuses, tells when something was written, and takes what is sent beyond the mark; Ease waits for that to go.
func TestCustomMarks(t *testing.T) {
	t.Parallel()
	overWires(t, func(t *testing.T, endpoint string) {
		const hwm = 5
		a, atA := newCustom(t, zmq4.Push, &socket.Options{SendHWM: hwm})
		b, atB := newCustom(t, zmq4.Pull, nil)
		atB.hold = make(chan struct{})
		dial(t, a, listen(t, b, endpoint))
		here := got(t, atA.up)
		sent, large := 0, make([]byte, 100_000)
		for err := error(nil); err == nil; sent++ {
			if err = here.Send([][]byte{large}, 0); err != nil && err != socket.ErrFull {
				t.Fatal(err)
			}
		}
		sent--
		for range 3 {
			if err := here.Send([][]byte{large}, socket.Beyond); err != nil {
				t.Fatal(err)
			}
			sent++
		}
		if queued := here.Peer().Queued; queued < hwm {
			t.Errorf("%d queued", queued)
		}
		close(atB.hold)
		here.Ease()
		if queued := here.Peer().Queued; queued > hwm {
			t.Errorf("%d queued after Ease", queued)
		}
		for range sent {
			got(t, atB.messages)
		}
		for here.Sent() < uint64(sent) {
			got(t, atA.written)
		}
		if s := a.Stats(); s.Sent != uint64(sent) || s.Dropped != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Commands and messages that were sent before Shutdown are with the peer after it.
func TestCustomShutdown(t *testing.T) {
	t.Parallel()
	overWires(t, func(t *testing.T, endpoint string) {
		a, atA := newCustom(t, zmq4.Pull, nil)
		b, atB := newCustom(t, zmq4.Push, nil)
		dial(t, a, listen(t, b, endpoint))
		here := got(t, atA.up)
		for i := range 500 {
			here.Connection.Command("FFTEST", []byte(fmt.Sprint(i)), nil)
		}
		if err := a.Shutdown(patient(t)); err != nil {
			t.Error(err)
		}
		if n := len(atB.commands); n != 500 {
			t.Errorf("%d commands", n)
		}
		there := got(t, atB.up)
		if err := got(t, there.down); err != io.EOF {
			t.Errorf("%v", err)
		}
		got(t, here.down)
	})
}

// A peer of another package that was sent nothing may leave at any time: it is owed nothing, and Shutdown has nothing to tell.
func TestCustomShutdownWithoutDebts(t *testing.T) {
	t.Parallel()
	a, atA := newCustom(t, zmq4.Pull, nil)
	atA.stay = make(chan struct{})
	peer := connect(t, listen(t, a, anyPort)).handshake("PUSH", 0)
	here := got(t, atA.up)
	_ = peer.Close()
	got(t, here.down)
	ended := goShutdown(t, a)
	eventually(t, a, "shutting down", func() bool { return errors.Is(a.Listen("inproc://"+t.Name()), socket.ErrClosed) })
	close(atA.stay)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What was not written when a connection is lost is known exactly: Sent does not count it, and the socket counts it as dropped.
func TestCustomLoss(t *testing.T) {
	t.Parallel()
	a, atA := newCustom(t, zmq4.Push, &socket.Options{SendHWM: -1})
	peer := connect(t, listen(t, a, anyPort)).handshake("PULL", 0)
	here := got(t, atA.up)
	if here.Own() {
		t.Error("own")
	}
	const n, size = 2000, 10_000
	for range n {
		if err := here.Send([][]byte{make([]byte, size)}, 0); err != nil {
			t.Fatal(err)
		}
	}
	var received int64
	var reading sync.WaitGroup
	reading.Go(func() { received, _ = io.CopyN(io.Discard, peer, 300*size) }) // and then it hangs up
	reading.Wait()
	_ = peer.Close()
	got(t, here.down)
	s, sent := a.Stats(), here.Sent()
	if sent < uint64(received/(size+9)) || sent == n || s.Dropped != n-sent {
		t.Errorf("%d sent, %d bytes received, %+v", sent, received, s)
	}
}

// Connections that come while the socket is closed are told neither up nor down, or both.
func TestCustomClose(t *testing.T) {
	t.Parallel()
	for range 50 {
		a, atA := newCustom(t, zmq4.Dealer, nil)
		b, atB := newCustom(t, zmq4.Router, nil)
		dial(t, a, listen(t, b, anyPort))
		var all sync.WaitGroup
		all.Go(func() { _ = a.Close() })
		all.Go(func() { _ = b.Close() })
		all.Wait()
		for _, d := range []*office{atA, atB} {
			for len(d.up) > 0 {
				got(t, (<-d.up).down)
			}
		}
	}
}
