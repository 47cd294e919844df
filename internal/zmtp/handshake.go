package zmtp

import (
	"context"
	"fmt"
	"maps"
	"net"
	"time"

	"github.com/go-zeromq/zmq4"
)

// DefaultTimeout bounds a handshake whose options name no other time.
const DefaultTimeout = 10 * time.Second

// Options says who we are in a [Handshake].
type Options struct {
	Type     zmq4.SocketType   // required
	Server   bool              // we accepted the connection
	Identity string            // at most 255 bytes; empty: none
	Metadata map[string]string // further properties of our READY, see [AppendMetadata]
	Timeout  time.Duration     // greeting and handshake together; 0: [DefaultTimeout]
}

// Peer is who the other side said it is.
type Peer struct {
	Type     zmq4.SocketType
	Identity string
	Minor    byte              // minor version it greeted: 1 understands PING and the SUBSCRIBE command
	Metadata map[string]string // every property of its READY, names in lower case
}

// Handshake exchanges greetings and READY commands (RFC 23, the NULL mechanism) over c. It reads not one byte beyond the peer's READY, so the
// caller goes on with c, whose deadlines are cleared. On an error c is closed.
//
// Errors are a [*ProtocolError], an [*IncompatibleError], a [*RefusedError], an error of ctx, or one of the connection, a timeout included.
func Handshake(ctx context.Context, c net.Conn, opts Options) (Peer, error) {
	peer, err := handshake(ctx, c, opts)
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = c.Close() // the handshake's error says more
		return Peer{}, err
	}
	return peer, nil
}

func handshake(ctx context.Context, c net.Conn, opts Options) (peer Peer, err error) {
	timeout := opts.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return Peer{}, fmt.Errorf("zmtp: handshake: %w", err)
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.SetDeadline(time.Unix(1, 0)) // fails only on a closed connection, which interrupts as well
		close(interrupted)
	})
	mechanism := &null{opts: opts}
	g := &guard{Conn: c, mechanism: string(mechanism.Type())}
	err = open(g, mechanism, opts)
	if !stop() {
		<-interrupted // its deadline must not hit the connection's next user
		return Peer{}, fmt.Errorf("zmtp: handshake: %w", ctx.Err())
	}
	switch {
	case g.err != nil:
		return Peer{}, g.err
	case mechanism.err != nil:
		return Peer{}, mechanism.err
	case err != nil:
		return Peer{}, fmt.Errorf("zmtp: handshake: %w", err)
	}
	peer = mechanism.peer
	peer.Minor = g.minor()
	return peer, nil
}

// open runs zmq4's handshake. zmq4 panics on some malformed input; the cases known are caught before they reach it.
func open(g *guard, mechanism zmq4.Security, opts Options) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = violation("handshake", "%v", r)
		}
	}()
	_, err = zmq4.Open(g, mechanism, opts.Type, nil, opts.Server, nil)
	return err
}

// null is the NULL mechanism with properties of our own: zmq4's can neither send nor safely read them. One per connection.
type null struct {
	opts Options
	peer Peer
	err  error // why the handshake failed, before zmq4 wraps it
}

func (*null) Type() zmq4.SecurityType { return zmq4.NullSecurity }

func (m *null) Handshake(c *zmq4.Conn, _ bool) error {
	m.peer, m.err = m.exchange(c)
	if m.err == nil {
		c.Peer.Meta["Socket-Type"] = string(m.peer.Type) // zmq4.Open checks it once more
	}
	return m.err
}

func (m *null) exchange(c *zmq4.Conn) (Peer, error) {
	ready, err := m.opts.Ready()
	if err != nil {
		return Peer{}, err
	}
	if err := c.SendCmd(zmq4.CmdReady, ready); err != nil {
		return Peer{}, fmt.Errorf("zmtp: handshake: %w", err)
	}
	cmd, err := c.RecvCmd()
	if err != nil {
		return Peer{}, fmt.Errorf("zmtp: handshake: %w", err)
	}
	switch cmd.Name {
	case NameReady:
		return m.opts.Accept(cmd.Body)
	case NameError:
		return Peer{}, refusal(cmd.Body)
	default:
		return Peer{}, violation("handshake", "command %.32q instead of READY", cmd.Name)
	}
}

// Ready returns the body of our READY command.
func (o Options) Ready() ([]byte, error) {
	if len(o.Identity) > 255 {
		return nil, violation("metadata", "identity of %d bytes, the limit is 255", len(o.Identity))
	}
	properties := make(map[string]string, len(o.Metadata)+2)
	maps.Copy(properties, o.Metadata)
	properties["Socket-Type"] = string(o.Type)
	properties["Identity"] = o.Identity
	return AppendMetadata(nil, properties)
}

// Accept reads the body of the peer's READY command. Errors are a [*ProtocolError] or an [*IncompatibleError].
func (o Options) Accept(ready []byte) (Peer, error) {
	properties, err := ParseMetadata(ready)
	if err != nil {
		return Peer{}, err
	}
	peer := Peer{Type: zmq4.SocketType(properties[propertyType]), Identity: properties[propertyIdentity], Metadata: properties}
	if !known(peer.Type) { // IsCompatible panics on these
		return Peer{}, violation("metadata", "unknown Socket-Type %.32q", peer.Type)
	}
	if !peer.Type.IsCompatible(o.Type) {
		return Peer{}, &IncompatibleError{Local: o.Type, Peer: peer.Type}
	}
	return peer, nil
}

func known(t zmq4.SocketType) bool {
	switch t {
	case zmq4.Pair, zmq4.Pub, zmq4.Sub, zmq4.Req, zmq4.Rep, zmq4.Dealer, zmq4.Router, zmq4.Pull, zmq4.Push, zmq4.XPub, zmq4.XSub:
		return true
	}
	return false
}

// refusal reads the body of an ERROR: length (1), reason.
func refusal(body []byte) error {
	if len(body) == 0 || int(body[0]) > len(body)-1 {
		return violation("handshake", "malformed ERROR command")
	}
	return &RefusedError{Reason: string(body[1 : 1+int(body[0])])}
}
