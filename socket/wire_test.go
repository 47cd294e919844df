package socket_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
)

func command(name, body string) []byte { return zmtp.AppendCommand(nil, name, []byte(body)) }

// Both forms of subscription. A peer has each prefix once: libzmq's SUB sends every SUBSCRIBE, but of as many CANCELs only the last.
func TestPubUnderstandsBothForms(t *testing.T) {
	t.Parallel()
	p := newPub(t, nil)
	for form, frames := range map[string][2][]byte{
		"legacy": {zmtp.AppendSubscribe(nil, []byte("a")), zmtp.AppendCancel(nil, []byte("a"))},
		"3.1":    {command("SUBSCRIBE", "a"), command("CANCEL", "a")},
	} {
		r := connect(t, listen(t, p, anyPort)).handshake("SUB", 1)
		r.say(frames[0], frames[0])
		r.roundTrip()
		send(t, p, "b")
		send(t, p, "a", form)
		r.want("a|" + form)
		r.say(frames[1])
		r.roundTrip()
		if n := p.Subscribers([]byte("a")); n != 0 {
			t.Errorf("%s: %d subscribers after CANCEL", form, n)
		}
	}
}

func TestPubIgnoresJunk(t *testing.T) {
	t.Parallel()
	p := newPub(t, nil)
	r := connect(t, listen(t, p, anyPort)).handshake("XSUB", 0)
	for range 100 {
		r.say(zmtp.AppendMessage(nil, [][]byte{[]byte("user"), []byte("message")}), command("WHAT", "ever"), []byte{4, 0})
	}
	r.say(zmtp.AppendSubscribe(nil, nil))
	r.roundTrip()
	send(t, p, "still here")
	r.want("still here")
	if s := p.Stats(); s.Junk != 300 {
		t.Errorf("%d pieces of junk counted, want 300", s.Junk)
	}
}

// A subscriber that does not read loses messages beyond the mark, counted, and disturbs nobody.
func TestSendHWM(t *testing.T) {
	t.Parallel()
	const hwm, size, messages = 50, 1000, 20_000
	p := newPub(t, &socket.Options{SendHWM: hwm})
	endpoint := listen(t, p, anyPort)
	stalled := connect(t, endpoint).handshake("SUB", 0)
	stalled.say(zmtp.AppendSubscribe(nil, []byte("0")))
	eventually(t, p, "the stalled subscriber", func() bool { return p.Subscribers([]byte("0")) == 1 })
	for i := range messages {
		send(t, p, fmt.Sprintf("%06d", i), strings.Repeat("x", size))
	}
	peer := p.Peers()[0]
	if peer.Queued > hwm || peer.Dropped == 0 || peer.Sent+uint64(peer.Queued)+peer.Dropped != messages {
		t.Errorf("%+v", peer)
	}
	s := newSub(t, nil, "")
	dial(t, s, endpoint)
	ready(t, s)
	send(t, p, "healthy")
	want(t, s, "healthy")
	// What was not dropped is complete and in order.
	last := -1
	for range peer.Sent + uint64(peer.Queued) {
		var i int
		if _, err := fmt.Sscanf(stalled.next(), "%06d|", &i); err != nil || i <= last {
			t.Fatalf("%d after %d, %v", i, last, err)
		}
		last = i
	}
}

// A full receive queue stops the reader; nothing is lost, and both sides know that the other is alive.
func TestReceiveHWM(t *testing.T) {
	t.Parallel()
	const messages = 2000
	beat := socket.Options{HeartbeatInterval: 50 * time.Millisecond, HeartbeatTimeout: time.Second, SendHWM: -1, ReceiveHWM: 10}
	p, s := pair(t, &beat, &beat, "")
	payload := strings.Repeat("x", 10_000) // 20 MB: more than the buffers of the connection hold
	for i := range messages {
		send(t, p, fmt.Sprint(i), payload)
	}
	// Thirty beats, and so longer than the timeout, nobody reads and nobody hangs up.
	ticker := time.NewTicker(beat.HeartbeatInterval)
	defer ticker.Stop()
	for range 30 {
		<-ticker.C
	}
	if q := s.Stats().Queued; q != 10 {
		t.Errorf("%d messages in the receive queue, want 10", q)
	}
	if d := p.Stats().Disconnects + s.Stats().Disconnects; d != 0 {
		t.Fatalf("%d connections lost", d)
	}
	for i := range messages {
		want(t, s, fmt.Sprint(i)+"|"+payload)
	}
}

func TestPingIsAnswered(t *testing.T) {
	t.Parallel()
	p := newPub(t, nil)
	r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0)
	r.say([]byte("\x04\x07\x04PING\x00\x00"))
	r.want("/\x04PONG")
	r.say(command("PING", "\x00\x000123456789abcdefTOO LONG"))
	r.want("/\x04PONG0123456789abcdef")
	r.say([]byte("\x04\x05\x04PING")) // no time to live: libzmq answers with bytes of its own memory
	r.want("EOF")
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	opts := &socket.Options{HeartbeatInterval: 20 * time.Millisecond, HeartbeatTimeout: 300 * time.Millisecond}
	for name, tt := range map[string]struct {
		minor      byte
		properties []string
		understood bool
	}{
		"own":       {0, []string{"X-Fanfare=1"}, true},
		"3.1":       {1, nil, true},
		"plain 3.0": {0, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPub(t, opts)
			r := connect(t, listen(t, p, anyPort)).handshake("SUB", tt.minor, tt.properties...)
			if !tt.understood {
				ticker := time.NewTicker(opts.HeartbeatInterval)
				defer ticker.Stop()
				for range 20 {
					<-ticker.C
				}
				r.roundTrip() // no PING came before the answer, and silence did not matter
				return
			}
			for range 20 { // beyond the timeout, while answers come
				r.want("/\x04PING\x00\x03")
				r.say(zmtp.AppendPong(nil, nil))
			}
			for got := ""; got != "EOF"; { // and then none
				got = r.next()
			}
			if e := event(t, p, socket.Disconnected); !errors.Is(e.Reason, socket.ErrSilent) {
				t.Error(e.Reason)
			}
		})
	}
}

// A peer that never reads the answers to its PINGs must not fill our memory.
func TestPingFlood(t *testing.T) {
	t.Parallel()
	p := newPub(t, nil)
	r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0)
	flood := bytes.Repeat(zmtp.AppendPing(nil, 0, make([]byte, 16)), 5000)
	for {
		if _, err := r.Write(flood); err != nil {
			break
		}
	}
	if e := event(t, p, socket.Disconnected); !errors.Is(e.Reason, socket.ErrFlood) {
		t.Error(e.Reason)
	}
}

func TestSubOnTheWire(t *testing.T) {
	t.Parallel()
	s := newSub(t, nil, "b", "a", "b")
	r := connect(t, listen(t, s, anyPort)).handshake("PUB", 0)
	r.want("\x01a", "\x01b")
	eventually(t, s, "written is enough for a plain peer", func() bool { return s.Publishers() == 1 })
	_ = s.Subscribe("")
	_ = s.Unsubscribe("a")
	_ = s.Unsubscribe("b")
	r.want("\x01", "\x00a")
	_ = s.Unsubscribe("")
	r.want("\x00")
	// The half of a message dies with its peer; whole ones stay; what is not subscribed is filtered.
	r.say(zmtp.AppendMessage(nil, [][]byte{[]byte("b"), []byte("whole")}), zmtp.AppendFrame(nil, 0, []byte("a")), zmtp.AppendFrame(nil, zmtp.More, []byte("b")), command("PING", "\x00\x00"))
	r.want("/\x04PONG")
	_ = r.Close()
	eventually(t, s, "the peer is gone", func() bool { return len(s.Peers()) == 0 })
	other := connect(t, s.Bound()[0]).handshake("PUB", 0)
	other.say(zmtp.AppendFrame(nil, 0, []byte("b next")))
	want(t, s, "b|whole", "b next")
	if st := s.Stats(); st.Filtered != 1 || st.Received != 2 {
		t.Errorf("%+v", st)
	}
}

// A peer of this package is asked, one question at a time, and counts only when it has answered the last.
func TestSubAsksOwnPeers(t *testing.T) {
	t.Parallel()
	s := newSub(t, nil, "a")
	r := connect(t, listen(t, s, anyPort)).handshake("PUB", 0, "X-Fanfare=1 future")
	r.want("\x01a")
	question := r.next()
	answer := func(q string) []byte { return zmtp.AppendPong(nil, []byte(q[len("/\x04PINGtt"):])) }
	_ = s.Subscribe("b")
	_ = s.Subscribe("c")
	r.want("\x01b", "\x01c")
	r.say(zmtp.AppendPong(nil, []byte("S12345678"))) // made up
	r.roundTrip()
	if n := s.Publishers(); n != 0 {
		t.Error("an answer to no question was believed")
	}
	r.say(answer(question))
	question = r.next()
	if n := s.Publishers(); n != 0 || len(s.Pending()) != 1 {
		t.Errorf("%d publishers, pending %q", n, s.Pending())
	}
	r.say(answer(question))
	ready(t, s)
	if n := s.Publishers(); n != 1 {
		t.Errorf("%d publishers", n)
	}
}

// A publisher of this package is told of each subscription and asked whether it has it; another one is told of the first.
func TestSubscribeAgainOnTheWire(t *testing.T) {
	t.Parallel()
	s := newSub(t, nil, "a", "a")
	at := listen(t, s, anyPort)
	foreign := connect(t, at).handshake("PUB", 0)
	foreign.want("\x01a")
	eventually(t, s, "written is enough for a plain peer", func() bool { return s.Publishers() == 1 })
	_ = s.Subscribe("a")
	if s.Publishers() != 1 {
		t.Error("a plain peer has to confirm what it is not told")
	}
	for i := range 100 { // of which some find the first not written yet
		_ = s.Subscribe(fmt.Sprint(i))
		_ = s.Subscribe(fmt.Sprint(i))
		foreign.want("\x01" + fmt.Sprint(i))
	}
	eventually(t, s, "the plain peer is ready", func() bool { return s.Publishers() == 1 })
	_ = foreign.Close()

	s = newSub(t, nil, "a")
	own := connect(t, listen(t, s, anyPort)).handshake("PUB", 0, "X-Fanfare=1")
	own.want("\x01a")
	answer := func() {
		t.Helper()
		question := own.next()
		if !strings.HasPrefix(question, "/\x04PING") {
			t.Fatalf("%q is no question", question)
		}
		own.say(zmtp.AppendPong(nil, []byte(question[len("/\x04PINGtt"):])))
	}
	answer()
	ready(t, s)
	eventually(t, s, "a publisher", func() bool { return s.Publishers() == 1 })
	_ = s.Subscribe("a")
	if n := s.Publishers(); n != 0 {
		t.Error("ready before the peer has confirmed the second subscription")
	}
	own.want("\x01a")
	answer()
	eventually(t, s, "a publisher again", func() bool { return s.Publishers() == 1 })
	_ = s.Unsubscribe("a")
	_ = s.Subscribe("b")
	own.want("\x01b") // and nothing of "a", which one Subscribe is left of
}

func TestHostilePeers(t *testing.T) {
	t.Parallel()
	opts := &socket.Options{HandshakeTimeout: 100 * time.Millisecond, MaxMessageSize: 1000}
	p, s := pair(t, opts, nil, "")
	event(t, p, socket.HandshakeSucceeded)
	endpoint := p.Bound()[0]
	sub := readyCommand(t, map[string]string{"Socket-Type": "SUB"})
	hello := greeting(0)
	huge := []byte{2, 0, 0, 1, 0, 0, 0, 0, 0}
	for name, tt := range map[string]struct {
		says [][]byte
		kind socket.Kind
	}{
		"silence":         {nil, socket.HandshakeFailed},
		"browser":         {[][]byte{[]byte("GET / HTTP/1.1\r\n\r\n")}, socket.HandshakeFailed},
		"2^40 early":      {[][]byte{hello, {6, 0, 0, 1, 0, 0, 0, 0, 0}}, socket.HandshakeFailed},
		"bad metadata":    {[][]byte{hello, command("READY", "\x0bSocket-Type\xff")}, socket.HandshakeFailed},
		"incompatible":    {[][]byte{hello, readyCommand(t, map[string]string{"Socket-Type": "PULL"})}, socket.HandshakeFailed},
		"2^40":            {[][]byte{hello, sub, huge}, socket.Disconnected},
		"garbage":         {[][]byte{hello, sub, []byte("garbage garbage")}, socket.Disconnected},
		"oversized":       {[][]byte{hello, sub, zmtp.AppendFrame(nil, 0, make([]byte, 1001))}, socket.Disconnected},
		"too many frames": {[][]byte{hello, sub, bytes.Repeat([]byte{1, 0}, 1025)}, socket.Disconnected},
	} {
		r := connect(t, endpoint)
		r.say(tt.says...)
		_, _ = io.Copy(io.Discard, r) // until we are hung up on
		e := event(t, p, tt.kind)
		if e.Reason == nil || e.Endpoint != endpoint || e.Remote == "" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if st := p.Stats(); st.HandshakesFailed != 5 || st.Disconnects != 4 || st.Peers != 1 {
		t.Errorf("%+v", st)
	}
	send(t, p, "all well")
	want(t, s, "all well")
}

// Silent connections fill the handshake slots and no more: the oldest one has to go for a newcomer.
func TestHandshakeCap(t *testing.T) {
	t.Parallel()
	p := newPub(t, &socket.Options{MaxHandshakes: 2, HandshakeTimeout: patience})
	endpoint := listen(t, p, anyPort)
	oldest := connect(t, endpoint)
	event(t, p, socket.Accepted)
	connect(t, endpoint)
	event(t, p, socket.Accepted)
	connect(t, endpoint).handshake("SUB", 0)
	_, _ = io.Copy(io.Discard, oldest) // until we are hung up on
	event(t, p, socket.HandshakeFailed)
	connected(t, p, 1) // the peer may know before we have it
	if st := p.Stats(); st.HandshakesRefused != 1 || st.HandshakesFailed != 1 || st.Peers != 1 {
		t.Errorf("%+v", st)
	}
}

// What a peer may make a PUB keep is bounded.
func TestSubscriptionLimits(t *testing.T) {
	t.Parallel()
	prefixes := func(n, size int) (all []byte) {
		for i := range n {
			prefix := make([]byte, size)
			binary.BigEndian.PutUint32(prefix, uint32(i))
			all = zmtp.AppendSubscribe(all, prefix)
		}
		return all
	}
	for name, tt := range map[string]struct {
		says []byte
		want error
	}{
		"too many": {prefixes(1<<16+1, 4), socket.ErrSubscriptions},
		"too much": {prefixes(1025, 4096), socket.ErrSubscriptions},
		"too long": {prefixes(1, 4097), nil}, // PUB: a protocol error
	} {
		for _, p := range []socket.Socket{newPub(t, nil), open(t, socket.NewXPub(nil))} {
			r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0)
			go func() { // an XPUB reads no more than it may tell
				for _, err := p.Recv(); err == nil; _, err = p.Recv() {
				}
			}()
			_, _ = r.Write(tt.says) // the connection ends before all is written
			if e := event(t, p, socket.Disconnected); e.Reason == nil || tt.want != nil && !errors.Is(e.Reason, tt.want) {
				t.Errorf("%s %s: %v", p.Type(), name, e.Reason)
			}
		}
	}
}

// Whatever a server does, a dialled endpoint is tried again.
func TestDialSurvivesBadServers(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSub(t, &socket.Options{ReconnectInterval: time.Millisecond, HandshakeTimeout: 100 * time.Millisecond}, "")
	dial(t, s, "tcp://"+l.Addr().String())
	pub := readyCommand(t, map[string]string{"Socket-Type": "PUB"})
	for _, says := range [][][]byte{
		nil,
		{[]byte("SSH-2.0-OpenSSH_9.2\r\n")},
		{greeting(0), {6, 0, 0, 1, 0, 0, 0, 0, 0}},
		{greeting(0), readyCommand(t, map[string]string{"Socket-Type": "REP"})},
		{greeting(0), pub, {2, 0, 0, 1, 0, 0, 0, 0, 0}},
	} {
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		r := takeOver(t, nc)
		r.say(says...)
		_, _ = io.Copy(io.Discard, r)
		_ = r.Close()
		if e := event(t, s, socket.ConnectRetried); e.Reason == nil {
			t.Errorf("%+v", e)
		}
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	r := takeOver(t, nc).handshake("PUB", 0)
	r.want("\x01")
	r.say(zmtp.AppendFrame(nil, 0, []byte("at last")))
	want(t, s, "at last")
}
