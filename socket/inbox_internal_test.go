package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

func batch(name string, n int) (messages [][][]byte) {
	for i := range n {
		messages = append(messages, [][]byte{fmt.Appendf(nil, "%s%d", name, i)})
	}
	return messages
}

// A peer with much to say does not starve one with little.
func TestInboxTakesTurns(t *testing.T) {
	t.Parallel()
	b, busy, quiet := newInbox(-1), newInlet(), newInlet()
	b.put(busy, batch("b", 40), nil, b.hwm)
	b.put(quiet, batch("q", 3), nil, b.hwm)
	var got []string
	for _, size := range []int{1, 4, 100} {
		buf := make([]zmq4.Msg, size)
		n, err := b.take(t.Context(), buf, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range buf[:n] {
			got = append(got, string(m.Frames[0]))
		}
	}
	if start := fmt.Sprint(got[:8]); len(got) != 43 || start != "[b0 q0 b1 q1 b2 q2 b3 b4]" {
		t.Errorf("%d: %s", len(got), start)
	}
}

// The queue goes round its ring for ever, and the mark holds at each moment.
func TestInboxMark(t *testing.T) {
	t.Parallel()
	const messages = 1000
	b, in := newInbox(10), newInlet()
	done := make(chan int, 1)
	go func() { done <- b.put(in, batch("", messages), nil, b.hwm) }()
	buf := make([]zmq4.Msg, 7)
	for i := 0; i < messages; {
		n, err := b.take(t.Context(), buf, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range buf[:n] {
			if string(m.Frames[0]) != fmt.Sprint(i) {
				t.Fatalf("message %d: %s", i, m.Frames[0])
			}
			i++
		}
		if queued, _, _ := b.state(in); queued > 10 {
			t.Fatalf("%d queued, the mark is 10", queued)
		}
	}
	if n := <-done; n != messages {
		t.Errorf("%d put", n)
	}
}

func TestInboxCloseReleasesReader(t *testing.T) {
	t.Parallel()
	b, in := newInbox(10), newInlet()
	done := make(chan int, 1)
	go func() { done <- b.put(in, batch("", 25), nil, b.hwm) }()
	buf := make([]zmq4.Msg, 1)
	if _, err := b.take(t.Context(), buf, nil); err != nil {
		t.Fatal(err)
	}
	dropped := b.close()
	if n := <-done; n != dropped+1 {
		t.Errorf("%d put, 1 taken, %d dropped", n, dropped)
	}
	if _, err := b.take(context.Background(), buf, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// exhausted is a listener without file descriptors.
type exhausted struct{}

var errExhausted = errors.New("too many open files")

func (exhausted) accept() (wire, error) { return nil, errExhausted }
func (exhausted) close() error          { return nil }
func (exhausted) addr() net.Addr        { return nil }

func TestAcceptBacksOff(t *testing.T) {
	t.Parallel()
	p := NewPub(nil)
	l := newListener(&p.base, endpoint{text: "tcp://nowhere:1"}, exhausted{})
	p.tasks.Go(l.run)
	for want := acceptRetryMin; want <= 8*acceptRetryMin; {
		if e := <-p.Events(); e.Kind == AcceptFailed {
			if e.Delay != want || !errors.Is(e.Reason, errExhausted) {
				t.Fatalf("%+v, want a delay of %v", e, want)
			}
			want *= 2
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// The page of many small reads is used again when the last batch with messages of it is released, and never if some were given away for good.
func TestInboxGivesPagesBack(t *testing.T) {
	t.Parallel()
	const size = 1 << 16
	reused := map[bool]int{}
	for round := range 100 { // a pool may forget, and does so often under the race detector
		keep := round%2 == 1
		pages, b, in := new(zmtp.Pages), newInbox(-1), newInlet()
		page := pages.Get(size)
		for range 3 {
			page.Retain() // what Lease does
			b.put(in, batch("m", 2), []*zmtp.Page{page}, b.hwm)
		}
		page.Release() // the decoder has another one
		filtered := pages.Get(size)
		b.put(in, nil, []*zmtp.Page{filtered}, b.hwm)
		if len(in.leases) != 1 {
			t.Fatalf("%d leases", len(in.leases))
		}
		first, second := NewBatch(1), NewBatch(3)
		for _, to := range []*Batch{first, second} {
			if _, err := b.take(t.Context(), to.buf, to); err != nil {
				t.Fatal(err)
			}
		}
		rest := second
		if keep {
			rest = nil
		}
		if n, err := b.take(t.Context(), make([]zmq4.Msg, 3), rest); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		second.Release()
		if pages.Get(size) == page {
			t.Fatal("used again while a batch has a message of it")
		}
		first.Release()
		if pages.Get(size) == page {
			reused[keep]++
		}
	}
	if reused[false] == 0 || reused[true] > 0 {
		t.Errorf("used again %d times of 50, and %d after messages were given away", reused[false], reused[true])
	}
}
