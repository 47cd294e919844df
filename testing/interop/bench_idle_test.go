package interop_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
)

// BenchmarkIdleConnection has 1000 connections that have carried nothing, hence 2000 ends in this process. libzmq's figure is resident
// memory.
func BenchmarkIdleConnection(b *testing.B) {
	const connections = 1000
	c := compile(b)
	memory := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // the first leaves what pools hold
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse + m.StackInuse)
	}
	for _, build := range []func() (listener, dialer socket.Socket){
		func() (socket.Socket, socket.Socket) { return socket.NewPull(nil), socket.NewPush(nil) },
		func() (socket.Socket, socket.Socket) { return socket.NewPub(nil), socket.NewSub(nil) },
		func() (socket.Socket, socket.Socket) { return socket.NewRouter(nil), socket.NewDealer(nil) },
	} {
		listener, dialer := build()
		b.Run(fmt.Sprintf("fanfare %s %s", dialer.Type(), listener.Type()), func(b *testing.B) {
			listener, dialer := build() // anew each time
			closing(b, listener)
			closing(b, dialer)
			if err := listener.Listen(interop.AnyPort); err != nil {
				b.Fatal(err)
			}
			before := memory()
			for i := range connections {
				if err := dialer.Dial(listener.Bound()[0]); err != nil {
					b.Fatal(err)
				}
				eventually(b, listener, "the peers", func() bool { return len(listener.Peers()) > i-100 }) // below the limit of handshakes at once
			}
			eventually(b, listener, "the peers", func() bool { return len(listener.Peers()) == connections })
			eventually(b, dialer, "the peers", func() bool { return len(dialer.Peers()) == connections })
			each := float64(memory()-before) / (2 * connections)
			for b.Loop() { // nothing else is measured
			}
			b.ReportMetric(each, "B/end")
			b.ReportMetric(0, "ns/op")
		})
	}
	c.run(b, "idle", 64, connections, 1, "B/end")
}
