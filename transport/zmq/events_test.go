package zmq_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

func TestPeersComeAndGo(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		pub, sub := pair(t, endpoint, "")
		at := pub.Bound().Publish[0]
		for side, w := range map[*zmq.Transport]transport.Event{
			pub: {Up: true, Peer: transport.Peer{Endpoint: at, Role: "SUB"}},
			sub: {Up: true, Peer: transport.Peer{Endpoint: at, Role: "PUB"}},
		} {
			e := event(t, side)
			if e.Peer.Address == "" {
				t.Error("no address")
			}
			if e.Peer.Address = ""; e != w {
				t.Errorf("%+v, want %+v", e, w)
			}
		}
		_ = sub.Close()
		if e := event(t, pub); e.Up || e.Peer.Role != "SUB" || e.Err == nil {
			t.Errorf("%+v", e)
		}
	})
}

func TestPlainPeersAreTold(t *testing.T) {
	t.Parallel()
	pub := open(t, &zmq.Options{Publish: zmq.Bind(anyPort)})
	conn := greet(t, pub.Bound().Publish[0], "SUB")
	if e := event(t, pub); !e.Up || !e.Peer.Plain || e.Peer.Role != "SUB" || !strings.HasSuffix(e.Peer.Address, conn.LocalAddr().String()) {
		t.Errorf("%+v", e)
	}
	_ = conn.CloseWrite()
	if e := event(t, pub); e.Up || !e.Peer.Plain || e.Err != io.EOF {
		t.Errorf("%+v", e)
	}
	if s := pub.Stats(); s.BadPeers != 0 {
		t.Errorf("a peer that left is counted as bad: %+v", s)
	}
}

// Connections that break the protocol end, are counted, and disturb nobody.
func TestBadPeersAreCounted(t *testing.T) {
	t.Parallel()
	pub, sub := pair(t, anyPort, "")
	event(t, pub)
	at := pub.Bound().Publish[0]
	browser, err := net.Dial("tcp", strings.TrimPrefix(at, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	speak(t, browser, strings.Repeat("GET / HTTP/1.1\r\n", 10))
	speak(t, greet(t, at, "SUB"), "\xff\xff\xff\xff")
	refused, ups, downs := 0, 0, 0
	for range 3 { // the connections end in any order
		switch e := event(t, pub); {
		case e.Up:
			ups++
		case e.Refused && e.Bad && e.Err != nil && e.Peer.Address == "tcp://"+browser.LocalAddr().String():
			refused++
		case e.Bad && e.Err != nil:
			downs++
		default:
			t.Errorf("%+v", e)
		}
	}
	if refused != 1 || ups != 1 || downs != 1 {
		t.Errorf("%d refused, %d up, %d down", refused, ups, downs)
	}
	speak(t, greet(t, at, "PUSH"), "")
	publish(t, pub, message("a", "all well"))
	want(t, sub, message("a", "all well"))
	_ = pub.Close() // after it everything has been counted
	if s := pub.Stats(); s.BadPeers != 3 {
		t.Errorf("%+v, want 3 bad peers", s)
	}
}

// greet connects and says what a socket of that type says in the handshake that is not ours.
func greet(t *testing.T, endpoint, socketType string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	greeting := "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + strings.Repeat("\x00", 48)
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(socketType))) + socketType
	if _, err := io.WriteString(conn, greeting+"\x04"+string(rune(len(ready)))+ready); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// speak writes and waits until it is hung up on.
func speak(t *testing.T, conn net.Conn, bytes string) {
	t.Helper()
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, bytes) // it may be cut off in the middle
	_, _ = io.Copy(io.Discard, conn)
}
