package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// stuck is a wire that moves nothing and ends when it is told to: what happens to a connection between two steps of Shutdown.
type stuck struct {
	end   chan error
	plain bool
}

func (w *stuck) handshake(context.Context, zmtp.Options) (zmtp.Peer, error) {
	if w.plain {
		return zmtp.Peer{}, nil
	}
	return zmtp.Peer{Metadata: map[string]string{strings.ToLower(ownProperty): ownVersion}, Identity: "peer"}, nil
}

func (w *stuck) run(c *conn) error {
	err := <-w.end
	c.out.close()
	return err
}

func (w *stuck) close() {
	select {
	case w.end <- net.ErrClosed:
	default: // it has ended
	}
}

func (*stuck) join(*conn)        {}
func (*stuck) closeWrite() error { return nil }
func (*stuck) remote() string    { return "stuck" }
func (*stuck) stream() bool      { return true }

// attachStuck gives the socket a peer of ours, and returns what ends the connection.
func attachStuck(t *testing.T, b *base) (*conn, func(error)) {
	t.Helper()
	return attach(t, b, &stuck{end: make(chan error, 1)})
}

func attach(t *testing.T, b *base, w *stuck) (*conn, func(error)) {
	t.Helper()
	c, err := origin{base: b, text: "endpoint"}.greet(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	b.tasks.Go(func() { _ = b.serve(c) })
	t.Cleanup(func() { _ = b.Close() })
	return c, func(err error) { w.end <- err }
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// wantUnflushed checks that the error names the one peer, with that many messages.
func wantUnflushed(t *testing.T, err error, queued int) {
	t.Helper()
	var left *FlushError
	if !errors.As(err, &left) || !errors.Is(err, io.EOF) || len(left.Peers) != 1 || left.Peers[0].Remote != "stuck" || left.Peers[0].Queued != queued {
		t.Errorf("%v, want one with %d messages", err, queued)
	}
}

// A connection that could not be written to any more when Shutdown began is reported with what that has cost, and so are messages that
// came later.
func TestShutdownAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	message := zmq4.NewMsgFromString([]string{"peer", "x"})
	for name, prepare := range map[string]func(t *testing.T, fail func(c *conn)) (*base, func(error)){
		"ROUTER": func(t *testing.T, fail func(c *conn)) (*base, func(error)) {
			s := NewRouter(nil)
			c, end := attachStuck(t, &s.base)
			_ = s.Send(message)
			fail(c)
			return &s.base, end
		},
		"PUB": func(t *testing.T, fail func(c *conn)) (*base, func(error)) {
			s := NewPub(nil)
			c, end := attachStuck(t, &s.base)
			c.session.command([]byte(zmtp.NameSubscribe), []byte("peer"))
			_ = s.Send(message)
			fail(c)
			c.session.command([]byte(zmtp.NameCancel), []byte("peer"))
			return &s.base, end
		},
		"PUB, too late": func(t *testing.T, fail func(c *conn)) (*base, func(error)) {
			s := NewPub(nil)
			c, end := attachStuck(t, &s.base)
			c.session.command([]byte(zmtp.NameSubscribe), []byte("peer"))
			fail(c)
			_ = s.Send(message)
			return &s.base, end
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, end := prepare(t, func(c *conn) { c.out.failed(0) })
			ended := make(chan error, 1)
			go func() { ended <- b.Shutdown(bounded(t)) }()
			<-b.refused
			end(io.EOF)
			wantUnflushed(t, <-ended, 1)
			if n := b.Stats().Dropped; n != 1 {
				t.Errorf("%d dropped", n)
			}
		})
	}
}

// A connection that ends after Shutdown has begun, and before it looks at the connections, is reported.
func TestShutdownAfterALoss(t *testing.T) {
	t.Parallel()
	s := NewPub(nil)
	c, end := attachStuck(t, &s.base)
	c.session.command([]byte(zmtp.NameSubscribe), []byte("a"))
	for range 3 {
		_ = s.Send(zmq4.NewMsgString("a"))
	}
	there, _ := s.refuse()
	end(io.EOF)
	<-c.ended
	wantUnflushed(t, s.shutdown(bounded(t), there), 3)
	if n := s.Stats().Dropped; n != 3 {
		t.Errorf("%d dropped", n)
	}
}

// A peer may have everything, and hang up, before the writer has noted that it was written.
func TestQueueEndsWhileWriting(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		shared        bool
		then          func(q *outQueue, s *segment)
		sent, dropped uint64
	}{
		"written":          {false, func(q *outQueue, s *segment) { q.done(s) }, 2, 1},
		"failed":           {false, func(q *outQueue, _ *segment) { q.failed(0) }, 0, 3},
		"left by kick":     {false, func(q *outQueue, _ *segment) { q.take() }, 0, 3},
		"shared":           {true, func(*outQueue, *segment) {}, 2, 1},
		"shared, and read": {true, func(q *outQueue, s *segment) { q.done(s) }, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewPub(nil)
			c, _ := attachStuck(t, &s.base)
			c.session.command([]byte(zmtp.NameSubscribe), nil)
			for range 2 {
				_ = s.Send(zmq4.NewMsgString("a"))
			}
			writing := c.out.take()
			_ = s.Send(zmq4.NewMsgString("b"))
			c.out.shared = tc.shared
			c.out.close()
			tc.then(&c.out, writing)
			if queued, sent, dropped := c.out.counts(); queued != 0 || sent != tc.sent || dropped != tc.dropped || c.out.unwritten() != int(dropped) {
				t.Errorf("%d queued, %d sent, %d dropped, %d unwritten", queued, sent, dropped, c.out.unwritten())
			}
		})
	}
}

// Shutdown finds what Unbind has begun with a peer of another package, or has done already.
func TestFlushTwice(t *testing.T) {
	t.Parallel()
	s := NewPush(nil)
	c, end := attach(t, &s.base, &stuck{end: make(chan error, 1), plain: true})
	_ = s.Send(zmq4.NewMsgString("a"))
	first := make(chan error, 1)
	go func() { first <- c.flush(bounded(t)) }()
	go func() {
		for written := c.out.take(); written != nil; written = c.out.take() {
			c.out.done(written)
		}
	}()
	for ctx := bounded(t); !c.bowed.Load() && ctx.Err() == nil; runtime.Gosched() {
	}
	end(io.EOF)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := c.flush(bounded(t)); err != nil {
		t.Error("second:", err)
	}
}

// A peer of another package that hangs up by itself, when Shutdown has begun and is not yet at its connection, is missing only what was not
// written.
func TestShutdownAfterAPlainPeerLeft(t *testing.T) {
	t.Parallel()
	for name, unwritten := range map[string]int{"with everything": 0, "too early": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewPub(nil)
			c, end := attach(t, &s.base, &stuck{end: make(chan error, 1), plain: true})
			c.session.messages([][][]byte{{[]byte("\x01a")}}, nil) // it subscribes
			_ = s.Send(zmq4.NewMsgString("a"))
			c.out.done(c.out.take())
			for range unwritten {
				_ = s.Send(zmq4.NewMsgString("a"))
			}
			there, _ := s.refuse()
			end(io.EOF)
			<-c.ended
			err := s.shutdown(bounded(t), there)
			if unwritten == 0 && err != nil {
				t.Error(err)
			} else if unwritten > 0 {
				wantUnflushed(t, err, unwritten)
			}
		})
	}
}

// What a lost peer of a PUSH was not sent goes to others: of that peer there is nothing to report.
func TestShutdownOfAPushAfterALoss(t *testing.T) {
	t.Parallel()
	s := NewPush(nil)
	c, end := attachStuck(t, &s.base)
	_ = s.Send(zmq4.NewMsgString("written"))
	c.out.done(c.out.take())
	_ = s.Send(zmq4.NewMsgString("a"))
	there, _ := s.refuse()
	end(io.ErrUnexpectedEOF)
	<-c.ended
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var left *FlushError
	if err := s.shutdown(ctx, there); !errors.As(err, &left) || len(left.Peers) != 1 || left.Peers[0].Queued != 1 || !errors.Is(left.Peers[0].Err, context.Canceled) {
		t.Error(err)
	}
}
