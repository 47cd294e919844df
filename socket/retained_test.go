package socket_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// retainer is what PUB and XPUB have in common here.
type retainer interface {
	socket.Socket
	SendRetained(msg zmq4.Msg, r socket.Retained) error
}

// retain sends a message of topic and text. What is kept of it ends with "kept".
func retain(t testing.TB, p retainer, limit int, topic, key, what string) {
	t.Helper()
	if err := p.SendRetained(text(topic, what), socket.Retained{Msg: text(topic, what, "kept"), Key: key, Limit: limit}); err != nil {
		t.Fatal(err)
	}
}

// overStreamsAndInproc runs a test over tcp and inproc.
func overStreamsAndInproc(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Helper()
	for name, endpoint := range map[string]string{"tcp": anyPort, "inproc": "inproc://" + t.Name()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, endpoint)
		})
	}
}

// Who comes late gets the last of each topic, in the order of sending, before what is sent later and before he is ready.
func TestRetained(t *testing.T) {
	t.Parallel()
	overStreamsAndInproc(t, func(t *testing.T, endpoint string) {
		for name, p := range map[string]retainer{"pub": newPub(t, nil), "xpub": open(t, socket.NewXPub(nil))} {
			at := endpoint
			if at != anyPort {
				at += name
			}
			at = listen(t, p, at)
			early := newSub(t, nil, "a")
			dial(t, early, at)
			ready(t, early)
			for _, topic := range []string{"a", "abc", "b", "ab", "a", "c"} {
				retain(t, p, 1, topic, "", "1")
			}
			retain(t, p, 1, "b", "", "2")
			late, narrow := newSub(t, nil, ""), newSub(t, nil, "ab")
			dial(t, late, at)
			dial(t, narrow, at)
			ready(t, late)
			ready(t, narrow)
			for s, n := range map[*socket.Sub]uint64{late: 5, narrow: 2} {
				if got := s.Stats().Received; got != n {
					t.Errorf("%s: ready with %d messages, want %d", name, got, n)
				}
			}
			retain(t, p, 1, "ab", "", "3")
			want(t, early, "a|1", "abc|1", "ab|1", "a|1", "ab|3")
			want(t, late, "abc|1|kept", "ab|1|kept", "a|1|kept", "c|1|kept", "b|2|kept", "ab|3")
			want(t, narrow, "abc|1|kept", "ab|1|kept", "ab|3")
			if s := p.Stats(); s.Retained != 5 || s.Replayed != 7 || s.Evicted != 0 {
				t.Errorf("%s: %+v", name, s)
			}
		}
	})
}

// Of each key the last is kept. When there are too many, the one sent least recently goes.
func TestRetainedKeys(t *testing.T) {
	t.Parallel()
	p := newPub(t, nil)
	at := listen(t, p, anyPort)
	check := func(retained int, evicted uint64, messages ...string) {
		t.Helper()
		s := newSub(t, nil, "t")
		dial(t, s, at)
		ready(t, s)
		want(t, s, messages...)
		if got := s.Stats().Received; got != uint64(len(messages)) {
			t.Errorf("%d messages, want %d", got, len(messages))
		}
		if st := p.Stats(); st.Retained != retained || st.Evicted != evicted {
			t.Errorf("%+v, want %d retained and %d evicted", st, retained, evicted)
		}
	}
	for i, key := range strings.Split("x y x z", " ") {
		retain(t, p, 2, "t", key, fmt.Sprint(key, i))
	}
	retain(t, p, 2, "other", "y", "has a limit of its own")
	check(3, 1, "t|x2|kept", "t|z3|kept")
	retain(t, p, 3, "t", "y", "y again")
	check(4, 1, "t|x2|kept", "t|z3|kept", "t|y again|kept")
	retain(t, p, -1, "t", "z", "alone")
	check(2, 3, "t|alone|kept")
}

// A second subscription to a prefix gets what is kept again, and it is there when the socket is ready.
func TestRetainedForSecondSubscription(t *testing.T) {
	t.Parallel()
	overStreamsAndInproc(t, func(t *testing.T, endpoint string) {
		p, s := newPub(t, nil), newSub(t, nil, "a")
		dial(t, s, listen(t, p, endpoint))
		ready(t, s)
		retain(t, p, 1, "a", "", "1")
		want(t, s, "a|1")
		for i := range 3 {
			if err := s.Subscribe("a"); err != nil {
				t.Fatal(err)
			}
			ready(t, s)
			if got := s.Stats().Received; got != uint64(i+2) {
				t.Fatalf("ready with %d messages, want %d", got, i+2)
			}
			want(t, s, "a|1|kept")
		}
		for range 3 { // they are counted as ever
			_ = s.Unsubscribe("a")
		}
		ready(t, s)
		send(t, p, "a", "still wanted")
		want(t, s, "a|still wanted")
		_ = s.Unsubscribe("a")
		ready(t, s)
		if n := p.Subscribers([]byte("a")); n != 0 {
			t.Errorf("%d subscribers", n)
		}
	})
}

// Peers of another kind get nothing. Those of this package get it before the answer to the PING that follows their subscription, in both forms.
func TestRetainedOnTheWire(t *testing.T) {
	t.Parallel()
	p := newPub(t, nil)
	at := listen(t, p, anyPort)
	retain(t, p, 1, "a", "", "1")
	for _, subscribe := range [][]byte{zmtp.AppendSubscribe(nil, []byte("a")), command("SUBSCRIBE", "a")} {
		foreign, own := connect(t, at).handshake("SUB", 1), connect(t, at).handshake("SUB", 0, "X-Fanfare=1")
		for range 2 {
			ping := zmtp.AppendPing(nil, 0, []byte("?"))
			foreign.say(subscribe, ping)
			foreign.want("/\x04PONG?")
			own.say(subscribe, ping)
			own.want("a|1|kept", "/\x04PONG?")
		}
		own.say(zmtp.AppendCancel(nil, []byte("a")))
		own.roundTrip()
		foreign.say(zmtp.AppendCancel(nil, []byte("a")))
		foreign.roundTrip()
	}
}

// A connection that is made again brings it again: the last that there is then.
func TestRetainedAfterReconnect(t *testing.T) {
	t.Parallel()
	at := "ipc://" + filepath.Join(t.TempDir(), "s")
	p, s := newPub(t, nil), newSub(t, &socket.Options{ReconnectInterval: time.Millisecond}, "a")
	listen(t, p, at)
	dial(t, s, at)
	ready(t, s)
	retain(t, p, 1, "a", "", "1")
	if err := p.Unbind(at); err != nil {
		t.Fatal(err)
	}
	want(t, s, "a|1")
	eventually(t, p, "the peer is gone", func() bool { return len(p.Peers()) == 0 })
	retain(t, p, 1, "a", "", "2")
	listen(t, p, at)
	want(t, s, "a|2|kept")
	ready(t, s)
	retain(t, p, 1, "a", "", "3")
	want(t, s, "a|3")
}

// The frames are the caller's as soon as SendRetained returns, small and large; what is kept is the socket's, whatever happens to what was sent.
func TestRetainedIsACopy(t *testing.T) {
	t.Parallel()
	overStreamsAndInproc(t, func(t *testing.T, endpoint string) {
		p, s := newPub(t, nil), newSub(t, nil, "a")
		at := listen(t, p, endpoint)
		dial(t, s, at)
		ready(t, s)
		for _, size := range []int{10, 5000, zmtp.LargeFrame, 100, 10 * zmtp.LargeFrame} {
			for _, owned := range []bool{false, true} {
				body := bytes.Repeat([]byte("x"), size)
				topic := []byte("a")
				if err := p.SendRetained(zmq4.NewMsgFrom(topic, body), socket.Retained{Owned: owned}); err != nil {
					t.Fatal(err)
				}
				topic[0] = 'X'
				if !owned {
					clear(body)
				}
				m, err := s.RecvContext(patient(t))
				if err != nil {
					t.Fatal(err)
				}
				clear(m.Frames[1]) // it is ours, over inproc the very memory that was given away
				for range 2 {
					late := newSub(t, nil, "a")
					dial(t, late, at)
					m, err := late.RecvContext(patient(t))
					if err != nil {
						t.Fatal(err)
					}
					if string(m.Frames[0]) != "a" || !bytes.Equal(m.Frames[1], bytes.Repeat([]byte("x"), size)) {
						t.Fatalf("%d bytes, owned %t: got %.10q of %d bytes on %q", size, owned, m.Frames[1], len(m.Frames[1]), m.Frames[0])
					}
					clear(m.Frames[1])
				}
			}
		}
	})
}

// What is refused is not kept, and what was kept before stays.
func TestRetainedErrors(t *testing.T) {
	t.Parallel()
	p := newPub(t, &socket.Options{MaxFrames: 3, NoDrop: true, SendHWM: 1})
	at := listen(t, p, anyPort)
	retain(t, p, 1, "a", "", "good")
	var bad *socket.MessageError
	for _, frames := range [][2]zmq4.Msg{{{}, text("a")}, {text("1", "2", "3", "4"), text("a")}, {text("a"), text("1", "2", "3", "4")}} {
		if err := p.SendRetained(frames[0], socket.Retained{Msg: frames[1]}); !errors.As(err, &bad) {
			t.Errorf("%v: %v", frames, err)
		}
	}
	stalled := connect(t, at).handshake("SUB", 0)
	stalled.say(zmtp.AppendSubscribe(nil, nil))
	stalled.roundTrip()
	var err error
	for err == nil {
		err = p.Send(text("filler", huge))
	}
	for range 2 { // a large one is refused before it is copied, a small one when it is queued
		if err := p.SendRetained(text("a", "lost"), socket.Retained{}); !errors.Is(err, socket.ErrFull) {
			t.Error(err)
		}
		if err := p.SendRetained(text("a", huge), socket.Retained{}); !errors.Is(err, socket.ErrFull) {
			t.Error(err)
		}
	}
	if s := p.Stats(); s.Retained != 1 || s.Evicted != 0 {
		t.Errorf("%+v", s)
	}
	late := newSub(t, nil, "")
	dial(t, late, at)
	want(t, late, "a|good|kept")
	_ = p.Close()
	if err := p.SendRetained(text("a"), socket.Retained{}); !errors.Is(err, socket.ErrClosed) {
		t.Error(err)
	}
}

// A queue that keeps only the newest message gets the newest of what is kept.
func TestRetainedConflated(t *testing.T) {
	t.Parallel()
	p := newPub(t, &socket.Options{Conflate: true})
	own := connect(t, listen(t, p, anyPort)).handshake("SUB", 0, "X-Fanfare=1")
	retain(t, p, 1, "b", "", "1")
	retain(t, p, 1, "a", "", "2")
	own.say(zmtp.AppendSubscribe(nil, nil))
	own.want("a|2|kept")
	if s := p.Stats(); s.Replayed != 1 || s.Conflated != 0 {
		t.Errorf("%+v", s)
	}
}

// What is kept is sent beyond the mark. Who subscribes again and again and does not read gets no more memory for it: there are never more than
// the mark and what is kept. And he is not taken for dead meanwhile.
func TestRetainedBeyondTheMark(t *testing.T) {
	t.Parallel()
	const hwm, kept, times = 2, 5, 8
	beat := &socket.Options{SendHWM: hwm, HeartbeatInterval: 50 * time.Millisecond, HeartbeatTimeout: 3 * time.Second}
	p := newPub(t, beat)
	at := listen(t, p, anyPort)
	body := strings.Repeat("x", 2<<20)
	var order []string
	last := ""
	for i := range kept {
		order = append(order, fmt.Sprint(i, body))
		retain(t, p, kept, "a", fmt.Sprint(i), order[i])
	}
	own := connect(t, at).handshake("SUB", 0, "X-Fanfare=1")
	own.say(bytes.Repeat(zmtp.AppendSubscribe(nil, []byte("a")), times), zmtp.AppendPing(nil, 0, []byte("done")))
	eventually(t, p, "a subscriber", func() bool { return p.Subscribers([]byte("a")) == 1 })
	for i := range 3 { // dropped for want of room; that the last is kept takes nothing from what is queued
		last = fmt.Sprint(i, strings.Repeat("y", len(body)))
		retain(t, p, kept, "a", fmt.Sprint(kept-1), last)
	}
	ticker := time.NewTicker(beat.HeartbeatInterval)
	defer ticker.Stop()
	for range 70 { // beats, more than the timeout
		<-ticker.C
	}
	var pending []string
	done := false
	for got := 0; got < times*kept || !done; {
		if peers := p.Peers(); len(peers) != 1 || peers[0].Queued > hwm+kept {
			t.Fatalf("after %d messages: %.500v", got, peers)
		}
		switch m := own.next(); {
		case m == "/\x04PONGdone":
			done = true
		case strings.HasPrefix(m, "/\x04PING"):
			own.say(zmtp.AppendPong(nil, nil))
		default:
			pending = append(pending, m)
			got++
		}
	}
	for i, m := range pending {
		if i == kept { // the first time comes before the last message
			order[kept-1] = last
		}
		if want := "a|" + order[i%kept] + "|kept"; m != want {
			t.Fatalf("message %d is %.20q, want %.20q", i, m, want)
		}
	}
	if s := p.Stats(); s.Replayed != times*kept || s.Dropped != 3 {
		t.Errorf("%+v", s)
	}
}

// However subscriptions fall between messages, each peer sees the numbers from some one on, none missing, and one again for each further
// subscription: what is kept comes when the subscription is taken, and nothing older comes after it.
func TestRetainedConcurrently(t *testing.T) {
	t.Parallel()
	overStreamsAndInproc(t, func(t *testing.T, endpoint string) {
		const messages, subscribers = 1500, 16
		opts := &socket.Options{SendHWM: -1}
		p := newPub(t, opts)
		at := listen(t, p, endpoint)
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		var all sync.WaitGroup
		moments := make(map[int]chan struct{})
		for i := range subscribers {
			n := random.IntN(messages / 2)
			if moments[n] == nil {
				moments[n] = make(chan struct{})
			}
			begin := moments[n]
			all.Go(func() {
				s := newSub(t, nil, "n")
				<-begin
				if err := follow(t, s, at, messages-1, i%2*50); err != nil {
					t.Errorf("seed %d, subscriber %d: %v", seed, i, err)
				}
			})
		}
		for n := range messages {
			size := 0
			if n%50 == 0 {
				size = 2 * zmtp.LargeFrame
			}
			body := bytes.Repeat([]byte{byte(n)}, size)
			live := zmq4.NewMsgFrom([]byte("n"), fmt.Append(nil, n), body)
			kept := zmq4.NewMsgFrom([]byte("n"), fmt.Append(nil, n), body, []byte("kept"))
			if err := p.SendRetained(live, socket.Retained{Msg: kept}); err != nil {
				t.Error(err)
			}
			if begin := moments[n]; begin != nil {
				close(begin)
			}
			runtime.Gosched()
		}
		all.Wait()
	})
}

// follow connects, reads up to the last number, and subscribes so many times more on the way.
func follow(t *testing.T, s *socket.Sub, at string, last, again int) error {
	if err := s.Dial(at); err != nil {
		return err
	}
	previous, kept, subscriptions := -1, 0, 1
	for previous < last || kept < subscriptions {
		m, err := s.RecvContext(patient(t))
		if err != nil {
			return fmt.Errorf("after %d, %d times of what is kept: %w", previous, kept, err)
		}
		var n int
		if _, err := fmt.Sscan(string(m.Frames[1]), &n); err != nil {
			return err
		}
		replayed := len(m.Frames) == 4
		switch {
		case slices.ContainsFunc(m.Frames[2], func(b byte) bool { return b != byte(n) }):
			return fmt.Errorf("the body of %d is that of another", n)
		case replayed && kept == subscriptions:
			return fmt.Errorf("%d came again after %d", n, previous)
		case replayed && previous >= 0 && n != previous, !replayed && previous >= 0 && n != previous+1:
			return fmt.Errorf("%d after %d, replayed %t", n, previous, replayed)
		}
		if previous = n; replayed {
			kept++
		}
		if subscriptions <= again {
			subscriptions++
			if err := s.Subscribe("n"); err != nil {
				return err
			}
		}
	}
	return nil
}
