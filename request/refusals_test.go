package request_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
)

// A server that refuses is not asked for ever because another one, which has no room, was not asked yet.
func TestRefusalBesideAServerWithoutRoom(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		asked := 0
		peers.connect(func(a *arrival) {
			if asked++; asked > 1000 {
				a.reply("0")
				return
			}
			a.fail("overloaded", "not now")
		})
		peers.connect(func(*arrival) {}).full = true
		_, err := newClient(t, b, double, nil).Do(t.Context(), 1)
		if refused, ok := errors.AsType[*request.RemoteError](err); !ok || refused.Code != request.CodeOverloaded || asked > 6 {
			t.Errorf("asked %d times: %v", asked, err)
		}
	})
}

// An attempt that is left is made at once when a connection is lost, also in the pause after a refusal.
func TestLossInThePauseAfterARefusal(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		dying := peers.connect(func(*arrival) {})
		asked := 0
		peers.connect(func(a *arrival) {
			if asked++; asked > 1 {
				a.reply("2")
				return
			}
			a.fail("overloaded", "not now")
			time.AfterFunc(time.Millisecond, dying.kill)
		})
		begin := time.Now()
		n, err := newClient(t, b, double, &request.Options{Timeout: 3 * time.Second}).Do(t.Context(), 1)
		if took := time.Since(begin); n != 2 || err != nil || took != 1001*time.Millisecond {
			t.Errorf("%d, %v after %v", n, err, took)
		}
	})
}

// However often all refuse, they are asked again soon.
func TestPausesStayShort(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var last time.Time
		var longest time.Duration
		asked := 0
		peers.connect(func(a *arrival) {
			if asked++; asked > 1 {
				longest = max(longest, time.Since(last))
			}
			last = time.Now()
			a.fail("unimplemented", "nobody here serves it")
		})
		_, err := newClient(t, b, double, &request.Options{Timeout: -1, Attempts: 1000}).Do(t.Context(), 1)
		if _, ok := errors.AsType[*request.RemoteError](err); !ok || asked != 1000 || longest > time.Second {
			t.Errorf("asked %d times, every %v at last: %v", asked, longest, err)
		}
	})
}
