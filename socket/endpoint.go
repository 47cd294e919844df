package socket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

const (
	schemeTCP    = "tcp"
	schemeIPC    = "ipc"
	schemeInproc = "inproc"

	maxIPCPath    = 107 // bytes of a Unix socket address on Linux
	maxInprocName = 255 // bytes
)

// endpoint is a parsed endpoint: what net.Listen and net.Dial take, and how the user wrote it.
type endpoint struct {
	text    string
	scheme  string
	network string // "tcp" or "unix"
	address string
}

// parseEndpoint reads an endpoint. listen permits what only a listener can use: the host * and the port 0 or *.
func parseEndpoint(text string, listen bool) (endpoint, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return endpoint{}, errors.New("no scheme; allowed are tcp://, ipc:// and inproc://")
	}
	if i := strings.IndexFunc(rest, unicode.IsControl); i >= 0 {
		return endpoint{}, fmt.Errorf("control character %q", rest[i])
	}
	e := endpoint{text: text, scheme: scheme}
	switch scheme {
	case schemeTCP:
		return e.tcp(rest, listen)
	case schemeIPC:
		return e.ipc(rest)
	case schemeInproc:
		return e.inproc(rest)
	default:
		return endpoint{}, fmt.Errorf("scheme %q; allowed are tcp, ipc and inproc", scheme)
	}
}

func (e endpoint) tcp(rest string, listen bool) (endpoint, error) {
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		return endpoint{}, err
	}
	if port == "*" {
		port = "0"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil:
		return endpoint{}, fmt.Errorf("port %q; allowed are 0 to 65535, and *", port)
	case strings.Contains(host, " ") || host != "*" && strings.Contains(host, "*"):
		return endpoint{}, fmt.Errorf("host %q", host)
	case host == "":
		return endpoint{}, errors.New("no host; every address is tcp://*:port")
	case !listen && host == "*":
		return endpoint{}, errors.New("the host * is only for listening")
	case !listen && n == 0:
		return endpoint{}, errors.New("any port is only for listening")
	}
	if host == "*" {
		host = ""
	}
	e.network, e.address = "tcp", net.JoinHostPort(host, port)
	return e, nil
}

func (e endpoint) ipc(path string) (endpoint, error) {
	if path == "" || path == "@" {
		return endpoint{}, errors.New("no path")
	}
	if len(path) > maxIPCPath {
		return endpoint{}, fmt.Errorf("path of %d bytes, the limit is %d", len(path), maxIPCPath)
	}
	e.network, e.address = "unix", path
	return e, nil
}

func (e endpoint) inproc(name string) (endpoint, error) {
	if name == "" || len(name) > maxInprocName {
		return endpoint{}, fmt.Errorf("name of %d bytes, allowed are 1 to %d", len(name), maxInprocName)
	}
	e.address = name
	return e, nil
}

// acceptor is an open endpoint.
type acceptor interface {
	accept() (wire, error)
	close() error
	addr() net.Addr
}

// listen opens the endpoint.
func (e endpoint) listen(ctx context.Context, opts *Options) (acceptor, error) {
	if e.scheme == schemeInproc {
		h, err := rendezvous.listen(e.address)
		if err != nil { // not h, which would be a nil in an interface
			return nil, err
		}
		return h, nil
	}
	l, err := e.listenStream(ctx, opts)
	if err != nil {
		return nil, err
	}
	return streamAcceptor{l}, nil
}

type streamAcceptor struct{ net.Listener }

func (l streamAcceptor) accept() (wire, error) {
	nc, err := l.Accept()
	if err != nil {
		return nil, err
	}
	return &stream{nc: nc}, nil
}

func (l streamAcceptor) close() error   { return l.Close() }
func (l streamAcceptor) addr() net.Addr { return l.Addr() }

// listenStream opens a tcp or ipc endpoint. The path left behind by a listener that died is taken over; one that answers is in use.
func (e endpoint) listenStream(ctx context.Context, opts *Options) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive(opts)}
	l, err := config.Listen(ctx, e.network, e.address)
	if e.scheme != schemeIPC || !errors.Is(err, syscall.EADDRINUSE) || !e.stale(ctx) {
		return l, err
	}
	if err := os.Remove(e.address); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return config.Listen(ctx, e.network, e.address)
}

// stale says whether the path is a socket on which nobody listens.
func (e endpoint) stale(ctx context.Context) bool {
	info, err := os.Lstat(e.address)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, e.network, e.address)
	if err == nil {
		_ = c.Close() // only its being there was asked for
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func (e endpoint) dial(ctx context.Context, opts *Options) (wire, error) {
	if e.scheme == schemeInproc {
		return rendezvous.dial(ctx, e.address)
	}
	d := net.Dialer{Timeout: opts.HandshakeTimeout, KeepAliveConfig: keepAlive(opts)}
	nc, err := d.DialContext(ctx, e.network, e.address)
	if err != nil {
		return nil, err
	}
	return &stream{nc: nc}, nil
}

// bound is the endpoint as others may dial it: with the port that was chosen.
func (e endpoint) bound(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		host := e.text[:strings.LastIndexByte(e.text, ':')]
		return fmt.Sprintf("%s:%d", host, tcp.Port)
	}
	return e.text
}

func keepAlive(opts *Options) net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: opts.HeartbeatTimeout, Interval: opts.HeartbeatTimeout / 3, Count: 3}
}
