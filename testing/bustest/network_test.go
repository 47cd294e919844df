package bustest_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// TestBusesThatCannotBeMadeCloseTheirTransports has a network that does not do so itself.
func TestBusesThatCannotBeMadeCloseTheirTransports(t *testing.T) {
	t.Parallel()
	tr := memory.NewNetwork(nil).Join()
	own := transporttest.Network{Name: "own", Open: func(testing.TB) func() transport.Transport {
		return func() transport.Transport { return tr }
	}}
	faketb.Run(t, func(t testing.TB) { bustest.On(t, own)(&bus.Options{Subscribe: []bus.Middleware{{Name: "nothing"}}}) })
	if err := tr.Subscribe("a"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the transport goes on: %v", err)
	}
}

// TestBusesThatCannotBeMade leave no transport behind: the package's goleak would see it.
func TestBusesThatCannotBeMade(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		bustest.On(t, bustest.TCP())(&bus.Options{Subscribe: []bus.Middleware{{Name: "nothing"}}})
	}).Failures
	if !strings.HasPrefix(failures, "bus.New: bus.Options.Subscribe") {
		t.Errorf("failures %q", failures)
	}
}

// TestNetworksLeaveOutWhatHasEnded is that for transports without buses.
func TestNetworksLeaveOutWhatHasEnded(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Memory(), bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			open := n.Open(t)
			if err := open().Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			tr := open()
			defer tr.Close()
			if missing := tr.Pending(); len(missing) > 0 {
				t.Errorf("it waits for %q", missing)
			}
		})
	}
}

// TestSocketsAreNotForBubbles says so at once, where a bubble would hang later.
func TestSocketsAreNotForBubbles(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failures := faketb.Run(t, func(t testing.TB) { bustest.On(t, n) }).Failures
				want := "sockets do not work in a bubble of testing/synctest, so neither does the network " + n.Name + ": use bustest.Memory"
				if failures != want {
					t.Errorf("failures %q, want %q", failures, want)
				}
			})
		})
	}
}

// TestNetworksConnectThree has each of three buses publish to the two others.
func TestNetworksConnectThree(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Memory(), bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			open := bustest.On(t, n)
			buses := []*bus.Bus{open(), open(), open()}
			for _, b := range buses {
				pub, err := publisher.New(b, orders, &publisher.Options{Remote: true})
				if err != nil {
					t.Fatal(err)
				}
				var got []*bustest.Recorder[string]
				for _, other := range buses {
					if other != b {
						got = append(got, bustest.Record(t, other, orders))
					}
				}
				if err := pub.WaitSubscribers(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
				if err := pub.Publish(t.Context(), b.Source().String()); err != nil {
					t.Fatal(err)
				}
				for _, g := range got {
					g.Expect(bustest.Equal(b.Source().String()))
				}
			}
		})
	}
}
