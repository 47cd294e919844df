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

// firstPause is how long a client waits before it asks again servers that have all refused; it doubles each time, up to lastPause.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// asker is what a client needs to ask servers in other processes, whatever the Go types.
type asker struct {
	hub     *hub
	group   *group
	name    string // of the call
	options Options
	trials  sync.Pool // of *trial
	attempts
}

// limit is when a request that began at that time is over; zero for never.
func (a *asker) limit(ctx context.Context, began time.Time) (d time.Time) {
	if a.options.Timeout > 0 {
		d = began.Add(a.options.Timeout)
	}
	if earlier, ok := ctx.Deadline(); ok && (d.IsZero() || earlier.Before(d)) {
		return earlier
	}
	return d
}

// awaitLocal waits for a server in this process, where there can be no other.
func (a *asker) awaitLocal(ctx context.Context, deadline time.Time) error {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
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

// trial is one request to servers in other processes, from its first attempt to its end. It is used again.
type trial struct {
	*asker
	alarm
	outgoing
	course
	origin envelope.Origin // of the reply
	reply  envelope.Meta
}

// course is what happens in a trial.
type course struct {
	exchange transport.Exchange
	meta     envelope.Meta
	deadline time.Time // zero: never

	wanted  bool          // a request is to be sent
	same    bool          // to one more server in the same attempt, because one has refused
	left    int           // attempts that may be made yet
	full    bool          // that went to one that was asked before: those that were not have no room
	pause   time.Duration // before the next one, if all have refused
	paused  bool          // that has begun
	resume  time.Time     // the end of that pause, or of the time of the last attempt; zero: none
	seen    bool          // a server was there
	sent    int
	lost    int
	waiting int // requests without an answer
}

// newTrial returns a trial whose message is still to be set.
func (a *asker) newTrial(deadline time.Time) *trial {
	t, ok := a.trials.Get().(*trial)
	if !ok {
		t = &trial{asker: a, alarm: newAlarm()}
	}
	t.course = course{deadline: deadline, left: a.options.Attempts, pause: firstPause, wanted: true}
	return t
}

// end lets the trial be used again: its reply is not used any more.
func (t *trial) end() {
	t.alarm.set(time.Time{})
	t.outgoing.clear()
	t.course, t.origin, t.reply = course{}, envelope.Origin{}, envelope.Meta{}
	t.trials.Put(t)
}

// ask asks servers in other processes until one has answered, and returns the reply as an event that is still to be decoded, before the trial
// ends. It returns errLocal when there is a server in this process.
func (t *trial) ask(ctx context.Context, m *envelope.Meta, began time.Time) (*envelope.Meta, error) {
	ex, err := t.hub.transport.Exchange(t.woken)
	if err != nil {
		return nil, public(err)
	}
	t.exchange, t.meta = ex, *m
	t.meta.Seq = ex.ID()
	reply, err := t.run(ctx, began)
	ex.End(t.cancel())
	t.attempts.sent.Add(uint64(t.sent))
	t.attempts.lost.Add(uint64(t.lost))
	return reply, err
}

// run makes attempts and waits for answers.
func (t *trial) run(ctx context.Context, now time.Time) (*envelope.Meta, error) {
	for ; ; now = time.Now() {
		var changed, local <-chan struct{}
		if t.wanted {
			again, err := t.send(now)
			if err != nil {
				return nil, err
			}
			if again {
				changed, local = t.hub.transport.Changed(), t.hub.bus.Changed()
				t.seen = t.seen || t.hub.transport.Servers() > 0
				if again, err = t.send(now); err != nil {
					return nil, err
				} else if !again {
					changed, local = nil, nil
				} else if t.waiting == 0 && t.group.pick() != nil {
					return nil, errLocal
				}
			}
		}
		t.alarm.set(t.next())
		if ended := ctx.Done(); changed == nil && ended == nil {
			<-t.woken // much cheaper than a choice
		} else {
			select {
			case <-t.woken:
			case <-changed:
			case <-local:
			case <-ended:
			}
		}
		if reply, err := t.look(ctx); reply != nil || err != nil {
			return reply, err
		}
	}
}

// look finds out what has come, if anything has.
func (t *trial) look(ctx context.Context) (*envelope.Meta, error) {
	for answer, ok := t.exchange.Take(); ok; answer, ok = t.exchange.Take() {
		if reply, err := t.judge(&answer); reply != nil || err != nil {
			return reply, err
		}
	}
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded), t.over():
		return nil, t.failure()
	case err != nil:
		return nil, err
	case t.due():
		t.wanted, t.resume = true, time.Time{}
	}
	return nil, nil
}

// send makes an attempt. It reports whether it is to be tried again when something has changed.
func (t *trial) send(now time.Time) (again bool, err error) {
	t.encode(now)
	unasked := 0
	if t.same {
		unasked = t.exchange.Unasked()
	}
	err = t.exchange.Send(&t.message)
	switch {
	case errors.Is(err, transport.ErrNoPeer), errors.Is(err, transport.ErrFull):
		return true, nil
	case err != nil:
		return false, public(err)
	}
	t.sent++
	t.waiting++
	t.seen, t.wanted, t.paused, t.resume = true, false, false, time.Time{}
	if !t.same {
		t.left--
	}
	t.full = t.same && t.exchange.Unasked() >= unasked
	t.same = false
	if t.left > 0 && !t.deadline.IsZero() { // its part of the time that is left
		t.resume = now.Add(t.deadline.Sub(now) / time.Duration(t.left+1))
	}
	return false, nil
}

// encode makes the envelope of the next attempt.
func (t *trial) encode(now time.Time) {
	t.envelope = envelope.Append(t.envelope[:0], &t.meta)
	var text [20]byte
	if !t.deadline.IsZero() {
		left := max((t.deadline.Sub(now) + time.Millisecond - 1).Milliseconds(), 0) // not less, or the server could be the first to say so
		t.envelope = envelope.AppendProperty(t.envelope, deadlineProperty, strconv.AppendInt(text[:0], left, 10))
	}
	if t.sent > 0 {
		t.envelope = envelope.AppendProperty(t.envelope, attemptProperty, strconv.AppendInt(text[:0], int64(t.sent+1), 10))
	}
	t.message.Envelope, t.message.Plain = t.envelope, t.options.Plain
}

// judge returns the reply that an answer is, or the error that it ends with, or neither when there is more to come.
func (t *trial) judge(a *transport.Answer) (*envelope.Meta, error) {
	t.waiting--
	if a.Err != nil {
		if t.hub.bus.Context().Err() != nil { // the transport ends with it; a channel that all requests wait at would cost 3%
			return nil, bus.ErrClosed
		}
		t.lost++
		return nil, t.retry()
	}
	t.origin = envelope.Origin{Topic: t.name, Remote: true, Encoded: a.Message.Payload}
	t.reply = envelope.Meta{Origin: &t.origin}
	m := &t.reply
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
	switch {
	case t.wanted: // for another reason
	case !t.full && t.exchange.Unasked() > 0:
		t.wanted, t.same = true, true
	case t.paused:
	case t.left > 0: // all have refused: they may have more room, or be further in their start, in a moment
		t.paused, t.resume = true, time.Now().Add(t.pause)
		t.pause = min(2*t.pause, lastPause)
	case t.waiting == 0:
		return nil, failure
	}
	return nil, nil
}

// retry begins the next attempt at once, if there may be one.
func (t *trial) retry() error {
	if t.left > 0 {
		t.wanted, t.same = true, false
		return nil
	}
	if t.waiting == 0 && !t.wanted {
		return t.failure()
	}
	return nil
}

// next is when to look again: at the end of a pause, of the time of an attempt, or of the whole.
func (t *trial) next() time.Time {
	if t.wanted || t.resume.IsZero() || !t.deadline.IsZero() && t.deadline.Before(t.resume) {
		return t.deadline
	}
	return t.resume
}

// due says whether the time of the next attempt has come.
func (t *trial) due() bool { return !t.wanted && !t.resume.IsZero() && time.Until(t.resume) <= 0 }

func (t *trial) over() bool { return !t.deadline.IsZero() && time.Until(t.deadline) <= 0 }

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

// short returns what is missing until there are n servers.
func short(have, n int, call string, missing []string) []string {
	if have >= n {
		return nil
	}
	return append([]string{fmt.Sprintf("%d of %d servers of %q", have, n, call)}, missing...)
}
