//go:build unix

package socket

import (
	"net"
	"syscall"
)

// direct writes to a connection what it takes at once, without waiting. It is used by one goroutine at a time.
type direct struct {
	raw  syscall.RawConn
	buf  []byte
	n    int
	step func(fd uintptr) bool // a closure made once: one for each write would be an allocation
}

// newDirect returns nil for a connection that cannot be written to like that.
func newDirect(nc net.Conn) *direct {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{raw: raw}
	d.step = func(fd uintptr) bool {
		n, err := syscall.Write(int(fd), d.buf)
		if err == nil {
			d.n = n
		}
		return true // an error is found again by who writes the rest
	}
	return d
}

func (d *direct) write(buf []byte) (n int) {
	d.buf, d.n = buf, 0
	_ = d.raw.Write(d.step) // on a closed connection: nothing is written
	d.buf = nil
	return d.n
}
