package network

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Link is a way to a tcp endpoint that a test can cut and heal. It carries bytes and knows nothing of them. All methods may be called
// concurrently.
type Link struct {
	listener net.Listener
	target   string
	tasks    sync.WaitGroup
	carried  atomic.Int64

	mu    sync.Mutex
	moved sync.Cond // state has changed
	state state
	conns map[net.Conn]struct{}
}

type state int

const (
	up     state = iota
	silent       // nothing is lost and nothing passes
	refusing
	ended
)

// NewLink returns a link to endpoint, until the test ends.
func NewLink(t testing.TB, endpoint string) *Link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{listener: listener, target: strings.TrimPrefix(endpoint, "tcp://"), conns: map[net.Conn]struct{}{}}
	l.moved.L = &l.mu
	l.tasks.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		l.move(ended)
		l.tasks.Wait()
	})
	return l
}

// Endpoint returns what to connect to instead.
func (l *Link) Endpoint() string { return "tcp://" + l.listener.Addr().String() }

// Carried returns how many bytes were let pass, both ways together.
func (l *Link) Carried() int64 { return l.carried.Load() }

// Reset ends all connections with a reset, and others that come about at once.
func (l *Link) Reset() { l.move(refusing) }

// Silence keeps all connections and lets nothing pass, as a network that swallows packets. Others come about and are as silent.
func (l *Link) Silence() { l.move(silent) }

// Heal ends Reset or Silence. What was held by the link passes, if there is still somebody to take it.
func (l *Link) Heal() { l.move(up) }

func (l *Link) move(to state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = to
	l.moved.Broadcast()
	if to == refusing || to == ended {
		for c := range l.conns {
			reset(c)
		}
	}
}

// reset closes without a farewell.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

func (l *Link) accept() {
	for {
		in, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.tasks.Go(func() { l.connect(in) })
	}
}

// connect carries a connection until both of its ways have ended.
func (l *Link) connect(in net.Conn) {
	defer l.drop(in)
	if !l.keep(in) || !l.pass() {
		return
	}
	out, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer l.drop(out)
	if !l.keep(out) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { l.carry(in, out) })
	l.carry(out, in)
	back.Wait()
}

// carry takes bytes one way. Where they end the way back goes on, where they fail it does not.
func (l *Link) carry(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && l.pass() {
			l.carried.Add(int64(n))
			_, writeErr := to.Write(buf[:n])
			err = errors.Join(err, writeErr)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && l.pass():
			_ = to.(*net.TCPConn).CloseWrite()
			return
		default:
			reset(to)
			reset(from)
			return
		}
	}
}

// pass waits while the link is silent, and reports whether there is a way.
func (l *Link) pass() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.state == silent {
		l.moved.Wait()
	}
	return l.state == up
}

// keep has the connection end with the others, and reports false if they have already.
func (l *Link) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return l.state == up || l.state == silent
}

func (l *Link) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = c.Close()
	delete(l.conns, c)
}
