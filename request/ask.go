package request

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// firstPause is how long a client waits before it asks again servers that have all refused; it doubles each time.
const firstPause = 20 * time.Millisecond

// asker is what a client needs to ask servers in other processes, whatever the Go types.
type asker struct {
	hub     *hub
	group   *group
	name    string // of the call
	options Options
	timers  sync.Pool // of *time.Timer
	attempts
}

// deadline is when a request that begins now is over; zero for never.
func (a *asker) deadline(ctx context.Context) (d time.Time) {
	if a.options.Timeout > 0 {
		d = time.Now().Add(a.options.Timeout)
	}
	if earlier, ok := ctx.Deadline(); ok && (d.IsZero() || earlier.Before(d)) {
		return earlier
	}
	return d
}

// exchange asks servers in other processes until one has answered, and returns the reply as an event that is still to be decoded. It
// returns errLocal when there is a server in this process.
func (a *asker) exchange(ctx context.Context, m envelope.Meta, payload [][]byte, deadline time.Time) (*envelope.Meta, error) {
	if a.hub.transport == nil {
		return nil, a.awaitLocal(ctx, deadline)
	}
	ex, err := a.hub.transport.Exchange()
	if err != nil {
		return nil, public(err)
	}
	m.Seq = ex.ID()
	t := &trial{asker: a, exchange: ex, meta: m, payload: payload, deadline: deadline, left: a.options.Attempts, pause: firstPause, wanted: true}
	reply, err := t.run(ctx)
	ex.End(t.cancel())
	a.attempts.sent.Add(uint64(t.sent))
	a.attempts.lost.Add(uint64(t.lost))
	return reply, err
}

// awaitLocal waits for a server in this process, where there can be no other.
func (a *asker) awaitLocal(ctx context.Context, deadline time.Time) error {
	timer := a.timer()
	defer a.timers.Put(timer)
	defer timer.Stop()
	expired := expires(timer, deadline)
	for {
		changed := a.hub.bus.Changed()
		if a.group.pick() != nil {
			return errLocal
		}
		select {
		case <-changed:
		case <-expired:
			return &NoReplyError{Call: a.name, Reason: ErrNoServer}
		case <-ctx.Done():
			return a.ended(ctx, ErrNoServer)
		case <-a.hub.bus.Context().Done():
			return bus.ErrClosed
		}
	}
}

// trial is one request to servers in other processes, from its first attempt to its end.
type trial struct {
	*asker
	exchange transport.Exchange
	meta     envelope.Meta
	payload  [][]byte
	deadline time.Time // zero: never
	envelope []byte

	wanted  bool          // an attempt is to be made
	left    int           // attempts that may be made yet
	pause   time.Duration // before the next one, if all have refused
	resume  time.Time     // the end of that pause, or of the time of the last attempt; zero: none
	seen    bool          // a server was there
	sent    int
	lost    int
	refused *RemoteError // the last refusal
	waiting int          // attempts without an answer
}

// run makes attempts and waits for answers.
func (t *trial) run(ctx context.Context) (*envelope.Meta, error) {
	timer := t.timer()
	defer t.timers.Put(timer)
	defer timer.Stop()
	for {
		var changed, local <-chan struct{}
		if t.wanted {
			again, err := t.send()
			if err != nil {
				return nil, err
			}
			if again {
				changed, local = t.hub.transport.Changed(), t.hub.bus.Changed()
				t.seen = t.seen || t.hub.transport.Servers() > 0
				if again, err = t.send(); err != nil {
					return nil, err
				} else if !again {
					changed, local = nil, nil
				} else if t.waiting == 0 && t.group.pick() != nil {
					return nil, errLocal
				}
			}
		}
		select {
		case <-t.exchange.Ready():
			for answer, ok := t.exchange.Take(); ok; answer, ok = t.exchange.Take() {
				if reply, err := t.judge(&answer); reply != nil || err != nil {
					return reply, err
				}
			}
		case <-changed:
		case <-local:
		case <-expires(timer, t.next()):
			if t.over() {
				return nil, t.failure()
			}
			t.wanted, t.resume = true, time.Time{}
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, t.failure()
			}
			return nil, ctx.Err()
		case <-t.hub.bus.Context().Done():
			return nil, bus.ErrClosed
		}
	}
}

// send makes an attempt. It reports whether it is to be tried again when something has changed.
func (t *trial) send() (again bool, err error) {
	t.encode()
	err = t.exchange.Send(&transport.Message{Topic: t.name, Envelope: t.envelope, Payload: t.payload, Plain: t.options.Plain, Owned: true})
	switch {
	case errors.Is(err, transport.ErrNoPeer), errors.Is(err, transport.ErrFull):
		return true, nil
	case err != nil:
		return false, public(err)
	}
	t.sent++
	t.waiting++
	t.seen, t.wanted, t.resume = true, false, time.Time{}
	if t.refused == nil { // otherwise it is one more server in the same attempt
		t.left--
	}
	t.refused = nil
	if t.left > 0 && !t.deadline.IsZero() { // its part of the time that is left
		now := time.Now()
		t.resume = now.Add(t.deadline.Sub(now) / time.Duration(t.left+1))
	}
	return false, nil
}

// encode makes the envelope of the next attempt.
func (t *trial) encode() {
	t.envelope = envelope.Append(t.envelope[:0], &t.meta)
	if !t.deadline.IsZero() {
		left := max(time.Until(t.deadline).Milliseconds(), 0)
		t.envelope = envelope.AppendProperty(t.envelope, deadlineProperty, strconv.FormatInt(left, 10))
	}
	if t.sent > 0 {
		t.envelope = envelope.AppendProperty(t.envelope, attemptProperty, strconv.Itoa(t.sent+1))
	}
}

// judge returns the reply that an answer is, or the error that it ends with, or neither when there is more to come.
func (t *trial) judge(a *transport.Answer) (*envelope.Meta, error) {
	t.waiting--
	if a.Err != nil {
		t.lost++
		return nil, t.retry()
	}
	m := &envelope.Meta{Origin: &envelope.Origin{Topic: t.name, Remote: true, Encoded: a.Message.Payload}}
	if a.Message.Envelope == nil {
		return m, nil
	}
	h, err := envelope.Parse(a.Message.Envelope)
	if err != nil {
		return nil, &bus.EnvelopeError{Topic: t.name, Err: err}
	}
	m.Origin.Source, m.Time, m.Text = h.Source, h.Time, h.Properties
	status, failed := envelope.Lookup(h.Properties, statusProperty)
	if !failed {
		return m, nil
	}
	message, _ := envelope.Lookup(h.Properties, messageProperty)
	failure := &RemoteError{Code(status), message}
	if failure.Code != CodeOverloaded && failure.Code != CodeUnimplemented {
		return nil, failure
	}
	t.refused = failure
	switch {
	case t.exchange.Unasked() > 0:
		t.wanted = true
	case t.left > 0: // all have refused: they may have more room, or be further in their start, in a moment
		t.left--
		t.resume = time.Now().Add(t.pause)
		t.pause *= 2
	case t.waiting == 0:
		return nil, failure
	}
	return nil, nil
}

// retry begins the next attempt at once, if there may be one.
func (t *trial) retry() error {
	if t.left > 0 {
		t.wanted = true
		return nil
	}
	if t.waiting == 0 && !t.wanted {
		return t.failure()
	}
	return nil
}

// next is when to look again: at the end of a pause, of the time of an attempt, or of the whole.
func (t *trial) next() time.Time {
	if t.wanted || t.resume.IsZero() || t.left == 0 && t.refused == nil || !t.deadline.IsZero() && t.deadline.Before(t.resume) {
		return t.deadline
	}
	return t.resume
}

func (t *trial) over() bool { return !t.deadline.IsZero() && !time.Now().Before(t.deadline) }

// failure says that there is no reply.
func (t *trial) failure() *NoReplyError {
	e := &NoReplyError{Call: t.name, Reason: ErrTimeout, Attempts: t.sent, Lost: t.lost, Missing: t.hub.transport.Unserved()}
	if !t.seen && t.hub.transport.Servers() == 0 {
		e.Reason = ErrNoServer
	}
	return e
}

// cancel returns what tells servers that nobody waits for their reply any more, nil if there is no need.
func (t *trial) cancel() *transport.Message {
	if t.waiting == 0 || t.options.Plain {
		return nil
	}
	return &transport.Message{Topic: t.name, Envelope: envelope.AppendProperty(envelope.Append(nil, &t.meta), kindProperty, kindCancel)}
}

// ended is the error of a request whose context has ended.
func (a *asker) ended(ctx context.Context, reason error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &NoReplyError{Call: a.name, Reason: reason}
	}
	return ctx.Err()
}

func (a *asker) timer() *time.Timer {
	if t, ok := a.timers.Get().(*time.Timer); ok {
		return t
	}
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// expires sets a timer and returns its channel, nil for no time.
func expires(timer *time.Timer, at time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	timer.Reset(time.Until(at))
	return timer.C
}

// short returns what is missing until there are n servers.
func short(have, n int, call string, missing []string) []string {
	if have >= n {
		return nil
	}
	return append([]string{fmt.Sprintf("%d of %d servers of %q", have, n, call)}, missing...)
}
