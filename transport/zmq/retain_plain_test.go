package zmq_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// plainSub is a SUB socket that says nothing about Fanfare, in the bytes of ZMTP 3.0.
type plainSub struct {
	t    *testing.T
	conn net.Conn
}

func newPlainSub(t *testing.T, endpoint string) *plainSub {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	p := &plainSub{t, conn}
	p.write("\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x00NULL" + strings.Repeat("\x00", 48))
	p.read(64)
	p.write("\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB")
	if name, _ := p.frame(); !bytes.HasPrefix(name, []byte("\x05READY")) {
		t.Fatalf("the publisher has answered %q", name)
	}
	return p
}

func (p *plainSub) write(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plainSub) read(n int) []byte {
	p.t.Helper()
	into := make([]byte, n)
	if _, err := io.ReadFull(p.conn, into); err != nil {
		p.t.Fatal(err)
	}
	return into
}

// frame reads a frame of less than 256 bytes.
func (p *plainSub) frame() (body []byte, more bool) {
	p.t.Helper()
	head := p.read(2)
	return p.read(int(head[1])), head[0]&1 != 0
}

func (p *plainSub) subscribe(prefix string) {
	p.t.Helper()
	p.write("\x00" + string([]byte{byte(1 + len(prefix))}) + "\x01" + prefix)
}

// docs/wire.md: a plain peer gets nothing that is retained, however often it subscribes.
func TestPlainPeersGetNothingRetained(t *testing.T) {
	t.Parallel()
	here, tr := join(t, &zmq.Options{Publish: zmq.Bind(anyPort)})
	pub := newPublisher(t, here, orders, &publisher.Options{Retain: publisher.RetainKeys})
	sendOrders(t, pub, 1, "ann", "bob")
	p := newPlainSub(t, tr.Bound().Publish[0])
	p.subscribe("orders.")
	if err := pub.WaitSubscribers(patient(t), 1); err != nil {
		t.Fatal(err)
	}
	p.subscribe("orders.")
	sendOrders(t, pub, 3, "ann")
	p.subscribe("orders.")
	sendOrders(t, pub, 4, "last")
	for _, want := range []string{`{"ID":3,"Customer":"ann","Note":""}`, `{"ID":4,"Customer":"last","Note":""}`} {
		topic, _ := p.frame()
		envelope, _ := p.frame()
		payload, more := p.frame()
		if string(topic) != "orders.created" || envelope[5] != 0 || string(payload) != want || more {
			t.Errorf("got %q, %q, %q, want the payload %s", topic, envelope, payload, want)
		}
	}
}
