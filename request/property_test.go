package request_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"pgregory.net/rapid"
)

// move is one thing that happens during a Do: to the server or the attempt of that number, modulo how many there are.
type move struct {
	What string
	Of   int
	Time time.Duration
}

// asked is one Do as its servers see it, and what they know of how it must go on.
type asked struct {
	peers    *fake
	attempts int
	servers  []*fakeServer
	open     []*arrival // without an answer
	known    map[*fakeServer]bool
	sent     int
	begun    int  // attempts: requests sent, but for those to one more server because another one has refused
	passing  bool // a server has just refused, so the next request to a new one is not counted
	there    bool // there was a server
	result   chan error
	over     bool
	err      error
	moves    atomic.Int32 // what was looked at before a move is not changed by what follows
}

func (d *asked) connect() {
	arrived := func(a *arrival) {
		if a.cancelled() {
			return
		}
		d.moves.Load()
		d.sent++
		if !d.passing || d.known[a.server] {
			d.begun++
		}
		d.known[a.server], d.passing = true, false
		d.open = append(d.open, a)
	}
	d.servers, d.there = append(d.servers, d.peers.connect(arrived)), true
}

// unasked counts servers.
func (d *asked) unasked() (n int) {
	for _, s := range d.servers {
		if !d.known[s] {
			n++
		}
	}
	return n
}

// settle waits until nothing moves, and notes whether Do has returned.
func (d *asked) settle() {
	synctest.Wait()
	select {
	case d.err = <-d.result:
		d.over = true
	default:
	}
}

// make makes a move, and returns what is wrong then.
func (d *asked) make(m move) string {
	sent := d.sent
	d.moves.Add(1)
	switch {
	case m.What == "connect":
		d.connect()
	case m.What == "wait":
		time.Sleep(m.Time)
	case m.What == "kill" && len(d.servers) > 0:
		s := d.servers[m.Of%len(d.servers)]
		d.servers = slices.DeleteFunc(d.servers, func(other *fakeServer) bool { return other == s })
		before := len(d.open)
		d.open = slices.DeleteFunc(d.open, func(a *arrival) bool { return a.server == s })
		d.moves.Add(1)
		s.kill()
		d.settle()
		if len(d.open) < before && d.begun < d.attempts && len(d.servers) > 0 && d.sent == sent {
			return "a lost connection did not begin the next attempt"
		}
	case m.What == "refuse" && len(d.open) > 0:
		a := d.open[m.Of%len(d.open)]
		d.open = slices.DeleteFunc(d.open, func(other *arrival) bool { return other == a })
		unasked := d.unasked()
		d.passing = unasked > 0
		d.moves.Add(1)
		a.fail("overloaded", "not now")
		d.settle()
		if d.passing {
			return "a refusal did not lead to a server that was not asked yet"
		}
	case m.What == "reply" && len(d.open) > 0:
		d.open[m.Of%len(d.open)].reply("2")
		if d.settle(); !d.over || d.err != nil {
			return fmt.Sprintf("a reply did not end it: %v", d.err)
		}
		return ""
	}
	d.settle()
	switch {
	case d.begun > d.attempts:
		return fmt.Sprintf("%d attempts", d.begun)
	case d.over && (len(d.open) > 0 || d.begun < d.attempts):
		return fmt.Sprintf("it ended with %v after %d attempts, of which %d have no answer", d.err, d.begun, len(d.open))
	case d.over && d.err == nil:
		return "a reply that nobody gave"
	case !d.over && len(d.open) == 0 && d.begun == d.attempts:
		return "it goes on although all attempts have failed"
	}
	return ""
}

// finish lets the time run out.
func (d *asked) finish(begin time.Time, timeout time.Duration) string {
	if !d.over {
		d.moves.Add(1)
		d.err = <-d.result
		if took := time.Since(begin); len(d.open) > 0 && took != timeout {
			return fmt.Sprintf("it ended after %v with %v, and %d attempts without an answer", took, d.err, len(d.open))
		}
	}
	_, failed := errors.AsType[*request.RemoteError](d.err)
	switch {
	case d.begun > d.attempts:
		return fmt.Sprintf("%d attempts", d.begun)
	case d.err == nil, failed && d.sent > 0:
	case !d.there && !errors.Is(d.err, request.ErrNoServer), d.there && d.sent > 0 && !errors.Is(d.err, request.ErrTimeout):
		return fmt.Sprintf("%v after %d requests", d.err, d.sent)
	}
	return ""
}

// Whatever servers do, Do makes the attempts that it may make, not one more, and ends when it must.
func TestAttemptsModel(t *testing.T) {
	const timeout = 2 * time.Second
	moves := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) move {
		return move{
			What: rapid.SampledFrom([]string{"refuse", "refuse", "kill", "connect", "wait", "reply"}).Draw(r, "what"),
			Of:   rapid.IntRange(0, 5).Draw(r, "of"),
			Time: time.Duration(rapid.IntRange(1, 600).Draw(r, "time")) * time.Millisecond,
		}
	}), 1, 30)
	property := func(r *rapid.T) {
		attempts, servers := rapid.IntRange(1, 5).Draw(r, "attempts"), rapid.IntRange(0, 4).Draw(r, "servers")
		steps := moves.Draw(r, "moves")
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			d := &asked{peers: newFake(), attempts: attempts, known: map[*fakeServer]bool{}, result: make(chan error, 1)}
			b := bustest.New(t, &bus.Options{Transport: d.peers})
			cl := newClient(t, b, double, &request.Options{Timeout: timeout, Attempts: attempts})
			for range servers {
				d.connect()
			}
			begin := time.Now()
			go func() {
				_, err := cl.Do(t.Context(), 1)
				d.result <- err
			}()
			d.settle()
			for i, m := range steps {
				if time.Since(begin)+m.Time >= timeout {
					break
				}
				if wrong = d.make(m); wrong != "" {
					wrong = fmt.Sprintf("move %d: %s", i, wrong)
				}
				if wrong != "" || d.over {
					break
				}
			}
			if end := d.finish(begin, timeout); wrong == "" {
				wrong = end
			}
		})
		if wrong != "" {
			r.Fatal(wrong)
		}
	}
	for range 20 { // they are quick, and what they are to find is rare
		rapid.Check(t, property)
	}
}
