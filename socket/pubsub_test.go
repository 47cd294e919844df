package socket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

var (
	_ zmq4.Socket = (*socket.Pub)(nil)
	_ zmq4.Socket = (*socket.Sub)(nil)
)

func TestPubSub(t *testing.T) {
	t.Parallel()
	for name, endpoint := range map[string]string{
		"tcp":      anyPort,
		"star":     "tcp://127.0.0.1:*",
		"ipc":      "ipc://" + filepath.Join(t.TempDir(), "s"),
		"abstract": "ipc://@fanfare-test-" + strings.ReplaceAll(t.TempDir(), "/", "-"),
	} {
		for _, pubBinds := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/pub binds %t", name, pubBinds), func(t *testing.T) {
				t.Parallel()
				endpoint := endpoint
				if name == "ipc" || name == "abstract" {
					endpoint += fmt.Sprint(pubBinds)
				}
				p, s := newPub(t, nil), newSub(t, nil, "a", "bb")
				if pubBinds {
					dial(t, s, listen(t, p, endpoint))
					ready(t, s)
				} else {
					dial(t, p, listen(t, s, endpoint))
					eventually(t, s, "a publisher", func() bool { return s.Publishers() == 1 })
				}
				send(t, p, "a", "1")
				send(t, p, "b", "not wanted")
				send(t, p, "alpha", "", "3")
				send(t, p, "bb")
				want(t, s, "a|1", "alpha||3", "bb")
			})
		}
	}
}

func TestSendForms(t *testing.T) {
	t.Parallel()
	p, s := pair(t, nil, nil, "")
	ctx := patient(t)
	large := bytes.Repeat([]byte("large"), 20_000)
	buf := []byte("first")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(p.Send(zmq4.NewMsgFrom(buf, large)))
	wantLarge := "|" + string(large)
	copy(buf, "XXXXX") // Send has copied, small and large
	large[0] = 'X'
	want(t, s, "first"+wantLarge)
	large[0] = 'l'
	check(p.SendMulti(text("multi", "x")))
	check(p.SendContext(ctx, text("context")))
	check(p.SendOwned(ctx, zmq4.NewMsgFrom([]byte("owned"), large, []byte("between"), large, large)))
	n, err := p.SendBatch(ctx, []zmq4.Msg{text("b1"), zmq4.NewMsgFrom([]byte("b2"), large), text("b3"), {}, text("never")})
	var bad *socket.MessageError
	if n != 3 || !errors.As(err, &bad) || bad.Field != "frames" {
		t.Errorf("SendBatch: %d, %v", n, err)
	}
	want(t, s, "multi|x", "context", "owned"+wantLarge+"|between"+wantLarge+wantLarge, "b1", "b2"+wantLarge, "b3")
}

// Many messages of all sizes arrive complete and in order, through batches.
func TestOrder(t *testing.T) {
	t.Parallel()
	const messages = 3000
	opts := &socket.Options{SendHWM: -1}
	p, s := pair(t, opts, nil, "")
	size := func(i int) int { return i * i * 7 % 40_000 }
	go func() {
		for i := range messages {
			_ = p.Send(zmq4.NewMsgFrom(fmt.Append(nil, i), bytes.Repeat([]byte{byte(i)}, size(i))))
		}
	}()
	buf := make([]zmq4.Msg, 50)
	for i := 0; i < messages; {
		n, err := s.RecvBatch(patient(t), buf)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range buf[:n] {
			if string(m.Frames[0]) != fmt.Sprint(i) || !bytes.Equal(m.Frames[1], bytes.Repeat([]byte{byte(i)}, size(i))) {
				t.Fatalf("message %d: %q, %d bytes", i, m.Frames[0], len(m.Frames[1]))
			}
			i++
		}
	}
	if st := s.Stats(); st.Received != messages || st.Filtered != 0 || st.Dropped != 0 {
		t.Errorf("%+v", st)
	}
}

// Three publishers and three subscribers, each side binding in one half of the connections.
func TestManyToMany(t *testing.T) {
	t.Parallel()
	const each = 500
	var pubs []*socket.Pub
	var subs []*socket.Sub
	for i := range 3 {
		p, s := newPub(t, nil), newSub(t, nil, "")
		pubs, subs = append(pubs, p), append(subs, s)
		// Sub i binds for the publishers before it, and dials the later ones.
		for j := range i {
			dial(t, pubs[j], listen(t, s, anyPort))
		}
	}
	for i, s := range subs {
		for _, p := range pubs[i:] {
			dial(t, s, listen(t, p, anyPort))
		}
	}
	for _, s := range subs {
		eventually(t, s, "three publishers", func() bool { return s.Publishers() == 3 })
	}
	for _, p := range pubs {
		eventually(t, p, "three subscribers", func() bool { return p.Subscribers(nil) == 3 })
	}
	var senders sync.WaitGroup
	for i, p := range pubs {
		senders.Go(func() {
			for n := range each {
				_ = p.Send(text(fmt.Sprint(i), fmt.Sprint(n)))
			}
		})
	}
	for _, s := range subs {
		var next [3]int
		for range 3 * each {
			var from, n int
			if _, err := fmt.Sscanf(receive(t, s), "%d|%d", &from, &n); err != nil || n != next[from] {
				t.Fatalf("from %d: %d, want %d, %v", from, n, next[from], err)
			}
			next[from]++
		}
	}
	senders.Wait()
}

func TestSubscriptionsAreCounted(t *testing.T) {
	t.Parallel()
	p, s := pair(t, nil, nil, "a", "a", "b")
	count := func(topic string) int { return p.Subscribers([]byte(topic)) }
	if count("a") != 1 || count("b1") != 1 || count("c") != 0 {
		t.Fatal(count("a"), count("b1"), count("c"))
	}
	for _, prefix := range []string{"a", "never", "b"} {
		if err := s.Unsubscribe(prefix); err != nil {
			t.Fatal(err)
		}
	}
	ready(t, s)
	if count("a") != 1 || count("b") != 0 {
		t.Error("after one Unsubscribe each", count("a"), count("b"))
	}
	if err := s.SetOption(zmq4.OptionUnsubscribe, []byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.SetOption(zmq4.OptionSubscribe, "c"); err != nil {
		t.Fatal(err)
	}
	ready(t, s)
	if count("a") != 0 || count("c") != 1 {
		t.Error("after the second", count("a"), count("c"))
	}
}

// libzmq loses subscriptions beyond its high-water mark of 1000.
func TestManySubscriptions(t *testing.T) {
	t.Parallel()
	const subscriptions = 5000
	opts := &socket.Options{SendHWM: 10, ReceiveHWM: 10}
	p, s := pair(t, opts, opts)
	for i := range subscriptions {
		if err := s.Subscribe(fmt.Sprintf("%d.", i)); err != nil {
			t.Fatal(err)
		}
	}
	ready(t, s)
	for i := range subscriptions {
		if p.Subscribers(fmt.Appendf(nil, "%d.", i)) != 1 {
			t.Fatalf("subscription %d is lost", i)
		}
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	p, s := newPub(t, &socket.Options{MaxFrames: 3, MaxMessageSize: 10}), newSub(t, nil)
	var bad *socket.MessageError
	for _, m := range []zmq4.Msg{{}, text("1", "2", "3", "4"), text("12345", "678901")} {
		if err := p.Send(m); !errors.As(err, &bad) {
			t.Errorf("%v: %v", m, err)
		}
	}
	_, recv := p.Recv()
	for name, err := range map[string]error{"Recv": recv, "Send": s.Send(text("x")), "SendOwned": s.SendOwned(t.Context(), text("x"))} {
		var unsupported *socket.UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.Op != name || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var option *socket.OptionError
	for name, err := range map[string]error{
		"unknown":  p.SetOption("LINGER", 1),
		"type":     s.SetOption(zmq4.OptionSubscribe, 1),
		"sub only": p.SetOption(zmq4.OptionSubscribe, "a"),
		"HWM type": p.SetOption(zmq4.OptionHWM, "a"),
		"metadata": newPub(t, &socket.Options{Metadata: map[string]string{"Name": "x"}}).Listen(anyPort),
		"reserved": newPub(t, &socket.Options{Metadata: map[string]string{"x-fanfare": "x"}}).Listen(anyPort),
		"bad name": newPub(t, &socket.Options{Metadata: map[string]string{"X-a b": "x"}}).Dial("tcp://127.0.0.1:1"),
	} {
		if !errors.As(err, &option) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.SetOption(zmq4.OptionHWM, 7); err != nil {
		t.Error(err)
	}
	if got, err := p.GetOption(zmq4.OptionHWM); got != 7 || err != nil {
		t.Error(got, err)
	}
	listen(t, p, anyPort)
	if err := p.SetOption(zmq4.OptionHWM, 8); !errors.As(err, &option) {
		t.Error("HWM after Listen:", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.RecvContext(cancelled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := p.SendContext(cancelled, text("x")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	p, s := pair(t, &socket.Options{Metadata: map[string]string{"X-Name": "billing"}}, nil)
	peers := s.Peers()
	if len(peers) != 1 || !peers[0].Own || peers[0].Metadata["x-name"] != "billing" || peers[0].Type != zmq4.Pub || peers[0].Endpoint != p.Bound()[0] {
		t.Errorf("%+v", peers)
	}
}
