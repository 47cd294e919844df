package socket_test

import (
	"net"
	"testing"

	"github.com/fanfare-go/fanfare/internal/rawpeer"
	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// raw is a rawpeer.Peer under the short names of these tests.
type raw struct{ *rawpeer.Peer }

func greeting(minor byte) []byte { return rawpeer.Greeting(minor) }

func readyCommand(t testing.TB, properties map[string]string) []byte {
	t.Helper()
	return rawpeer.Ready(t, properties)
}

func connect(t testing.TB, endpoint string) *raw {
	t.Helper()
	return &raw{rawpeer.Connect(t, endpoint)}
}

func takeOver(t testing.TB, nc net.Conn) *raw { return &raw{rawpeer.TakeOver(t, nc)} }

func (r *raw) handshake(socketType string, minor byte, properties ...string) *raw {
	r.Helper()
	r.Handshake(socketType, minor, properties...)
	return r
}

func (r *raw) say(parts ...[]byte)  { r.Helper(); r.Say(parts...) }
func (r *raw) next() string         { r.Helper(); return r.Next() }
func (r *raw) want(wants ...string) { r.Helper(); r.Want(wants...) }

// roundTrip sends a PING and reads up to its answer: all that was said before has then been dealt with.
func (r *raw) roundTrip() {
	r.Helper()
	r.say(zmtp.AppendPing(nil, 0, []byte("round trip")))
	r.want("/\x04PONGround trip")
}
