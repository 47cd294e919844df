package zmtp

import (
	"bytes"
	"net"
)

const (
	greetingSize  = 64
	maxReadyBytes = 64 << 10 // one frame of the handshake
	maxHandshake  = 8        // frames of the handshake
)

// guard stands between [zmq4.Open] and the connection during the handshake. zmq4 allocates what a frame header announces, and running
// out of memory cannot be recovered from; so the guard parses what passes and fails the Read before zmq4 sees such a header.
// It never reads a byte that zmq4 did not ask for, hence what follows the handshake is still in the connection.
type guard struct {
	net.Conn
	mechanism string

	greeting [greetingSize]byte
	greeted  int
	header   []byte // of the frame being read
	left     int    // bytes of its body still to come
	frames   int
	err      error // the violation, kept for good
}

// Read returns (0, err) on a violation: io.ReadFull forgets an error that comes with a full count.
func (g *guard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.Conn.Read(p)
	if g.err = g.inspect(p[:n]); g.err != nil {
		return 0, g.err
	}
	return n, err
}

func (g *guard) inspect(p []byte) error {
	for len(p) > 0 {
		switch {
		case g.greeted < greetingSize:
			n := copy(g.greeting[g.greeted:], p)
			g.greeted += n
			p = p[n:]
			if err := g.checkGreeting(); err != nil {
				return err
			}
		case g.left > 0:
			n := min(g.left, len(p))
			g.left -= n
			p = p[n:]
		default:
			g.header = append(g.header, p[0])
			p = p[1:]
			if err := g.checkHeader(); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkGreeting looks at every byte as soon as it is there: a browser or a port scanner is told from a peer by its first byte.
func (g *guard) checkGreeting() error {
	seen := g.greeting[:g.greeted]
	switch {
	case seen[0] != 0xFF, len(seen) > 9 && seen[9] != 0x7F:
		return violation("greeting", "no ZMTP signature in % x", seen[:min(len(seen), 10)])
	case len(seen) > 10 && seen[10] < 3:
		return violation("greeting", "version %d, the least is 3", seen[10])
	case len(seen) < greetingSize:
		return nil
	}
	if mechanism := bytes.TrimRight(seen[12:32], "\x00"); string(mechanism) != g.mechanism {
		return violation("greeting", "mechanism %q, ours is %q", mechanism, g.mechanism)
	}
	return nil
}

func (g *guard) checkHeader() error {
	h, n, err := ParseHeader(g.header, maxReadyBytes)
	switch {
	case err != nil:
		return err
	case g.header[0]&byte(Command) == 0:
		return violation("handshake", "flags %#02x instead of a command", g.header[0])
	case n == 0:
		return nil
	}
	if g.frames++; g.frames > maxHandshake {
		return violation("handshake", "more than %d frames", maxHandshake)
	}
	g.header, g.left = g.header[:0], h.Size
	return nil
}

// minor is the peer's minor version: 0 for ZMTP 3.0, 1 for 3.1.
func (g *guard) minor() byte { return g.greeting[11] }
