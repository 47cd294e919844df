package socket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// patterned is a frame that says of which message it is in every byte.
func patterned(message, size int) []byte { return bytes.Repeat([]byte{byte(message)}, size) }

// checkPatterned fails unless m is message n of those that TestRecvInto sends.
func checkPatterned(t *testing.T, m zmq4.Msg, n int) {
	t.Helper()
	if got, want := string(m.Frames[0]), fmt.Sprint("m", n); got != want {
		t.Fatalf("message %q, want %q", got, want)
	}
	for _, frame := range m.Frames[1:] {
		if len(frame) > 0 && !bytes.Equal(frame, patterned(n, len(frame))) {
			t.Fatalf("message %d has bytes of another one", n)
		}
	}
}

// Messages are valid until the next RecvInto of their batch, whatever is received into others meanwhile, and those received otherwise for good.
func TestRecvInto(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{false, true} {
		t.Run(fmt.Sprint("own ", own), func(t *testing.T) {
			overEach(t, func(t *testing.T, at string) {
				const messages = 6000
				pull, push := open(t, socket.NewPull(nil)), open(t, socket.NewPush(nil))
				dial(t, push, listen(t, pull, at))
				go func() {
					for n := range messages {
						size := n % 150
						if n%50 == 0 {
							size = 20_000 + n*7
						}
						frames := [][]byte{fmt.Append(nil, "m", n), patterned(n, n%5), patterned(n, size)}
						if own {
							_ = push.SendOwned(context.Background(), zmq4.NewMsgFrom(frames...))
							continue
						}
						_ = push.Send(zmq4.NewMsgFrom(frames...))
						clear(frames[2]) // it was copied
					}
				}()
				ctx := patient(t)
				batches := []*socket.Batch{socket.NewBatch(7), socket.NewBatch(100), socket.NewBatch(0)}
				lent, first := make([][]zmq4.Msg, len(batches)), make([]int, len(batches))
				var kept []zmq4.Msg
				var keptAt []int
				check := func(i int) {
					for k, m := range lent[i] {
						checkPatterned(t, m, first[i]+k)
					}
				}
				for n, round := 0, 0; n < messages; round++ {
					if round%5 == 4 {
						m, err := pull.RecvContext(ctx)
						if err != nil {
							t.Fatal(err)
						}
						kept, keptAt = append(kept, m), append(keptAt, n)
						n++
						continue
					}
					i := round % len(batches)
					check(i)
					msgs, err := pull.RecvInto(ctx, batches[i])
					if err != nil {
						t.Fatal(err)
					}
					lent[i], first[i] = msgs, n
					n += len(msgs)
				}
				for i := range batches {
					check(i)
					batches[i].Release()
					batches[i].Release() // again: nothing
				}
				for i, m := range kept {
					checkPatterned(t, m, keptAt[i])
				}
			})
		})
	}
}

// A large frame goes to all subscribers from one copy, and its memory is used again only after the last of them.
func TestRecvIntoFanOut(t *testing.T) {
	t.Parallel()
	const subscribers, messages = 4, 300
	pub := open(t, socket.NewPub(&socket.Options{NoDrop: true, SendHWM: 20}))
	listen(t, pub, anyPort)
	listen(t, pub, "inproc://"+t.Name())
	done := make(chan error, subscribers)
	for i := range subscribers {
		sub := newSub(t, nil, "")
		dial(t, sub, pub.Bound()[i%2])
		go func() {
			batch := socket.NewBatch(1 + 5*i)
			for n := 0; n < messages; {
				msgs, err := sub.RecvInto(context.Background(), batch)
				if err != nil {
					done <- err
					return
				}
				for _, m := range msgs {
					if len(m.Frames) != 2 || !bytes.Equal(m.Frames[1], patterned(n, 20_000+n)) {
						done <- fmt.Errorf("message %d is another one", n)
						return
					}
					n++
				}
			}
			batch.Release()
			done <- nil
		}()
	}
	eventually(t, pub, "subscribers", func() bool { return pub.Subscribers([]byte("t")) == subscribers })
	for n := range messages {
		body := patterned(n, 20_000+n)
		m := zmq4.NewMsgFrom([]byte("topic"), body)
		err := pub.Send(m)
		for errors.Is(err, socket.ErrFull) { // Changed tells of room
			changed := pub.Changed()
			if err = pub.Send(m); errors.Is(err, socket.ErrFull) {
				<-changed
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		clear(body)
	}
	for range subscribers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// All that receive have RecvInto; the others refuse it.
func TestRecvIntoEverySocket(t *testing.T) {
	t.Parallel()
	batch := socket.NewBatch(4)
	var unsupported *socket.UnsupportedError
	for _, s := range []socket.Socket{open(t, socket.NewPub(nil)), open(t, socket.NewPush(nil))} {
		if _, err := s.RecvInto(patient(t), batch); !errors.As(err, &unsupported) || unsupported.Op != "RecvInto" {
			t.Errorf("%s: %v", s.Type(), err)
		}
	}
	req, rep := open(t, socket.NewReq(nil)), open(t, socket.NewRep(nil))
	dial(t, req, listen(t, rep, "inproc://"+t.Name()))
	for range 3 {
		for _, step := range []struct{ from, to socket.Socket }{{req, rep}, {rep, req}} {
			if err := step.from.Send(text("hello")); err != nil {
				t.Fatal(err)
			}
			msgs, err := step.to.RecvInto(patient(t), batch)
			if err != nil || len(msgs) != 1 || string(msgs[0].Frames[0]) != "hello" {
				t.Fatal(msgs, err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	pull := open(t, socket.NewPull(nil))
	if msgs, err := pull.RecvInto(ctx, batch); !errors.Is(err, context.DeadlineExceeded) || len(msgs) != 0 {
		t.Error(msgs, err)
	}
	if err := pull.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pull.RecvInto(t.Context(), batch); !errors.Is(err, socket.ErrClosed) {
		t.Error(err)
	}
}

// A large frame that one receiver over inproc changes is its own.
func TestFanOutDoesNotShare(t *testing.T) {
	t.Parallel()
	pub := newPub(t, nil)
	at := listen(t, pub, "inproc://"+t.Name())
	subs := []socket.Socket{newSub(t, nil, ""), newSub(t, nil, "")}
	for _, sub := range subs {
		dial(t, sub, at)
	}
	eventually(t, pub, "subscribers", func() bool { return pub.Subscribers(nil) == len(subs) })
	large := patterned(1, 50_000)
	if err := pub.Send(zmq4.NewMsgFrom(large)); err != nil {
		t.Fatal(err)
	}
	for _, sub := range subs {
		m, err := sub.RecvContext(patient(t))
		if err != nil || !bytes.Equal(m.Frames[0], large) {
			t.Fatal("changed by another receiver", err)
		}
		clear(m.Frames[0])
	}
}

// A connection does not keep the last message alive that was received on it.
func TestConnectionForgetsWhatWasReceived(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, at string) {
		pull, push := open(t, socket.NewPull(nil)), open(t, socket.NewPush(nil))
		dial(t, push, listen(t, pull, at))
		if err := push.Send(zmq4.NewMsg(patterned(1, 1<<20))); err != nil {
			t.Fatal(err)
		}
		m, err := pull.RecvContext(patient(t))
		if err != nil {
			t.Fatal(err)
		}
		first := weak.Make(&m.Frames[0][0])
		m = zmq4.Msg{}
		for range 20 {
			if runtime.GC(); first.Value() == nil {
				return
			}
			runtime.Gosched() // the reader may not have come back from handing it over
		}
		t.Error("the message is still reachable")
	})
}
