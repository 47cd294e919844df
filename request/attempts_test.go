package request_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// bubble runs a test in virtual time, with a bus whose servers are functions.
func bubble(t *testing.T, f func(t *testing.T, b *bus.Bus, peers *fake)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		peers := newFake()
		f(t, bustest.New(t, &bus.Options{Transport: peers}), peers)
	})
}

// attempt is one that arrived.
type attempt struct {
	at       time.Duration
	id       uint64
	number   string
	deadline string
}

// record returns a server that answers nothing and notes what arrives.
func record(into *[]attempt) func(*arrival) {
	begin := time.Now()
	return func(a *arrival) {
		if !a.cancelled() {
			*into = append(*into, attempt{time.Since(begin), a.id, a.properties["attempt"], a.properties["deadline"]})
		}
	}
}

func TestTimeoutBoundsAllAttempts(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var got []attempt
		peers.connect(record(&got))
		cl := newClient(t, b, double, &request.Options{Timeout: 3 * time.Second, Attempts: 3})
		begin := time.Now()
		_, err := cl.Do(t.Context(), 1)
		failed, _ := errors.AsType[*request.NoReplyError](err)
		if !errors.Is(err, request.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) || failed == nil || failed.Attempts != 3 || failed.Call != "math.double" {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
		want := []attempt{{0, 1, "", "3000"}, {time.Second, 1, "2", "2000"}, {2 * time.Second, 1, "3", "1000"}}
		if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestEarlierDeadlineOfTheContext(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		peers.connect(func(*arrival) {})
		cl := newClient(t, b, double, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := cl.Do(ctx, 1); !errors.Is(err, request.ErrTimeout) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if _, err := cl.Do(ctx, 1); !errors.Is(err, request.ErrTimeout) {
			t.Errorf("%v", err)
		}
	})
}

func TestNoTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var got []attempt
		server := peers.connect(func(a *arrival) {
			got = append(got, attempt{deadline: a.properties["deadline"]})
			time.AfterFunc(24*time.Hour, func() { a.reply("2") })
		})
		cl := newClient(t, b, double, &request.Options{Timeout: -1})
		if n, err := cl.Do(t.Context(), 1); n != 2 || err != nil || len(got) != 1 || got[0].deadline != "" {
			t.Errorf("%d, %v, %v", n, err, got)
		}
		server.kill()
	})
}

func TestLostConnectionStartsTheNextAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var dying *fakeServer
		dying = peers.connect(func(*arrival) { go dying.kill() })
		var got []attempt
		note := record(&got)
		peers.connect(func(a *arrival) {
			note(a)
			a.reply("14")
		})
		cl := newClient(t, b, double, nil)
		begin := time.Now()
		if n, err := cl.Do(t.Context(), 7); n != 14 || err != nil || time.Since(begin) != 0 {
			t.Errorf("%d, %v after %v", n, err, time.Since(begin))
		}
		if len(got) != 1 || got[0].number != "2" || got[0].id != 1 {
			t.Errorf("%v", got)
		}
		if s := cl.Stats(); s.Attempts != 2 || s.Lost != 1 || s.Succeeded != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A server that is gone after the question, and back before the time is over.
func TestServerRestarts(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var dying *fakeServer
		dying = peers.connect(func(*arrival) { go dying.kill() })
		time.AfterFunc(4*time.Second, func() { peers.connect(func(a *arrival) { a.reply("2") }) })
		cl := newClient(t, b, double, &request.Options{Attempts: 2})
		begin := time.Now()
		if n, err := cl.Do(t.Context(), 1); n != 2 || err != nil || time.Since(begin) != 4*time.Second {
			t.Errorf("%d, %v after %v", n, err, time.Since(begin))
		}
	})
}

func TestOneAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		asked := 0
		var dying *fakeServer
		dying = peers.connect(func(*arrival) { asked++; go dying.kill() })
		peers.connect(func(*arrival) { asked++ })
		cl := newClient(t, b, double, &request.Options{Attempts: 1})
		begin := time.Now()
		_, err := cl.Do(t.Context(), 1)
		failed, _ := errors.AsType[*request.NoReplyError](err)
		if !errors.Is(err, request.ErrTimeout) || failed == nil || failed.Lost != 1 || asked != 1 || time.Since(begin) != 0 {
			t.Errorf("%v after %v, %d asked", err, time.Since(begin), asked)
		}
	})
}

func TestReplyToAnEarlierAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		slow := func(a *arrival) {
			if !a.cancelled() && a.properties["attempt"] == "" {
				time.AfterFunc(4*time.Second, func() { a.reply("2") })
			}
		}
		peers.connect(slow)
		peers.connect(slow)
		cl := newClient(t, b, double, nil)
		begin := time.Now()
		if n, err := cl.Do(t.Context(), 1); n != 2 || err != nil || time.Since(begin) != 4*time.Second {
			t.Errorf("%d, %v after %v", n, err, time.Since(begin))
		}
		if s := cl.Stats(); s.Attempts < 2 {
			t.Errorf("%+v: it was not tried again", s)
		}
	})
}

func TestLateReplies(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var first *arrival
		peers.connect(func(a *arrival) {
			switch {
			case a.cancelled():
			case a.id == 1:
				first = a
			default:
				first.reply("1111") // to the request before
				a.reply("4")
			}
		})
		cl := newClient(t, b, double, &request.Options{Attempts: 1, Timeout: time.Second})
		if _, err := cl.Do(t.Context(), 1); !errors.Is(err, request.ErrTimeout) {
			t.Fatal(err)
		}
		if n, err := cl.Do(t.Context(), 2); n != 4 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if s := b.Stats().Transport; s.LateReplies != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNoServer(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		cl := newClient(t, b, double, &request.Options{Timeout: time.Second})
		begin := time.Now()
		_, err := cl.Do(t.Context(), 1)
		if !errors.Is(err, request.ErrNoServer) || errors.Is(err, request.ErrTimeout) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if !strings.Contains(err.Error(), "fake://server: not connected yet") || !strings.Contains(err.Error(), "math.double") {
			t.Errorf("%v does not name what is missing", err)
		}
		time.AfterFunc(500*time.Millisecond, func() { peers.connect(func(*arrival) {}).kill() })
		if _, err = cl.Do(t.Context(), 1); errors.Is(err, request.ErrNoServer) && cl.Stats().Attempts > 0 {
			t.Errorf("%v, although one was asked", err)
		}
	})
}

func TestServerComesLater(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		cl := newClient(t, b, double, nil)
		time.AfterFunc(time.Second, func() { peers.connect(func(a *arrival) { a.reply("2") }) })
		begin := time.Now()
		if n, err := cl.Do(t.Context(), 1); n != 2 || err != nil || time.Since(begin) != time.Second {
			t.Errorf("another process: %d, %v after %v", n, err, time.Since(begin))
		}
	})
	for _, o := range []*bus.Options{{}, {Transport: newFake()}} {
		t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if o.Transport != nil {
					o.Transport = newFake()
				}
				b := bustest.New(t, o)
				cl := newClient(t, b, double, nil)
				time.AfterFunc(time.Second, func() { serve(t, b, double, twice, nil) })
				begin := time.Now()
				if n, err := cl.Do(t.Context(), 1); n != 2 || err != nil || time.Since(begin) != time.Second {
					t.Errorf("this process: %d, %v after %v", n, err, time.Since(begin))
				}
				nobody := newClient(t, b, request.NewCall[int, int]("math.half"), nil)
				if _, err := nobody.Do(t.Context(), 1); !errors.Is(err, request.ErrNoServer) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, code := range []request.Code{request.CodeOverloaded, request.CodeUnimplemented} {
		t.Run(string(code), func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
				refused := 0
				for range 5 { // more than there are attempts
					peers.connect(func(a *arrival) { refused++; a.fail(string(code), "not now") })
				}
				peers.connect(func(a *arrival) { a.reply("2") })
				cl := newClient(t, b, double, &request.Options{Attempts: 1})
				begin := time.Now()
				if n, err := cl.Do(t.Context(), 1); n != 2 || err != nil || refused != 5 || time.Since(begin) != 0 {
					t.Errorf("%d, %v after %v and %d refusals", n, err, time.Since(begin), refused)
				}
			})
		})
	}
}

func TestAllRefuse(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		asked := 0
		ready := time.Now().Add(50 * time.Millisecond)
		peers.connect(func(a *arrival) {
			if asked++; time.Now().Before(ready) {
				a.fail("unimplemented", "nobody here serves it")
			} else {
				a.reply("2")
			}
		})
		cl := newClient(t, b, double, nil)
		if n, err := cl.Do(t.Context(), 1); n != 2 || err != nil || asked != 3 {
			t.Errorf("a server that is still starting: %d, %v, asked %d times", n, err, asked)
		}
		ready, asked = ready.Add(time.Hour), 0
		_, err := cl.Do(t.Context(), 1)
		refused, _ := errors.AsType[*request.RemoteError](err)
		if refused == nil || refused.Code != request.CodeUnimplemented || asked != 3 {
			t.Errorf("%v, asked %d times", err, asked)
		}
	})
}

func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		ctx, cancel := context.WithCancel(t.Context())
		told := 0
		for range 2 {
			peers.connect(func(a *arrival) {
				if a.cancelled() {
					if told++; a.id != 1 || a.message.Topic != "math.double" || len(a.message.Payload) > 0 {
						t.Errorf("%+v", a)
					}
				}
			})
		}
		time.AfterFunc(2*time.Second, cancel) // in the second attempt
		cl := newClient(t, b, double, nil)
		begin := time.Now()
		if _, err := cl.Do(ctx, 1); err != context.Canceled || time.Since(begin) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if told != 2 {
			t.Errorf("%d servers were told to give up, want those of both attempts", told)
		}
	})
}

// Nobody is told to give up who has answered, or whose reply a plain peer owes.
func TestNoCancel(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		silent := true
		peers.connect(func(a *arrival) {
			if a.cancelled() {
				t.Error("told to give up")
			}
			if !silent {
				a.reply("2")
			}
		})
		plain := newClient(t, b, double, &request.Options{Plain: true, Timeout: time.Second})
		if _, err := plain.Do(t.Context(), 1); !errors.Is(err, request.ErrTimeout) {
			t.Error(err)
		}
		silent = false
		if _, err := newClient(t, b, double, nil).Do(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
}

func TestPlainOption(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		peers.connect(func(a *arrival) {
			if !a.message.Plain {
				t.Error("not plain")
			}
			a.reply("2")
		})
		if n, err := newClient(t, b, double, &request.Options{Plain: true}).Do(t.Context(), 1); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestUnreadableReplies(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		payload := "no number"
		peers.connect(func(a *arrival) { a.reply(payload) })
		cl := newClient(t, b, double, nil)
		var unreadable *bus.DecodeError
		if _, err := cl.Do(t.Context(), 1); !errors.As(err, &unreadable) || unreadable.Topic != "math.double" || unreadable.Type != "int" {
			t.Errorf("%v", err)
		}
	})
}

// The time that travels is never less than what is left: the client is the first to say that it is over.
func TestTimeThatTravelsIsRoundedUp(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var got []attempt
		peers.connect(record(&got))
		cl := newClient(t, b, double, &request.Options{Timeout: 2500 * time.Microsecond, Attempts: 1})
		if _, err := cl.Do(t.Context(), 1); !errors.Is(err, request.ErrTimeout) {
			t.Error(err)
		}
		if len(got) != 1 || got[0].deadline != "3" {
			t.Errorf("%v", got)
		}
	})
}
