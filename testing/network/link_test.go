package network_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/testing/network"
)

// A link carries both ways, lets nothing pass while it is silent, and nothing and nobody when it was reset.
func TestLink(t *testing.T) {
	t.Parallel()
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = target.Close() }()
	link := network.NewLink(t, "tcp://"+target.Addr().String())
	near := dial(t, link)
	far, err := target.Accept()
	if err != nil {
		t.Fatal(err)
	}
	carries(t, near, far)
	carries(t, far, near)
	if link.Carried() == 0 {
		t.Error("nothing was carried")
	}

	link.Silence()
	write(t, near, "held")
	waiting := dial(t, link)
	link.Heal()
	read(t, far, "held")
	other, err := target.Accept()
	if err != nil {
		t.Fatal(err)
	}
	carries(t, waiting, other)

	write(t, waiting, "last")
	_ = waiting.(*net.TCPConn).CloseWrite()
	if all, err := io.ReadAll(other); string(all) != "last" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
	carries(t, other, waiting)

	link.Reset()
	for _, c := range []net.Conn{near, far, dial(t, link)} {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("read %d bytes of a connection that was reset", n)
		}
	}
	link.Heal()
	again := dial(t, link)
	if far, err = target.Accept(); err != nil {
		t.Fatal(err)
	}
	carries(t, again, far)
}

func dial(t *testing.T, link *network.Link) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(link.Endpoint(), "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func carries(t *testing.T, from, to net.Conn) {
	t.Helper()
	write(t, from, "hello")
	read(t, to, "hello")
}

func write(t *testing.T, to net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(to, text); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, from net.Conn, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	if _, err := io.ReadFull(from, buf); err != nil || string(buf) != want {
		t.Fatalf("%q, %v, want %q", buf, err, want)
	}
}
