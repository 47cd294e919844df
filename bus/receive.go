package bus

import (
	"context"
	"errors"
	"net"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// maxTopic is the longest topic or prefix, in bytes.
const maxTopic = 255

// receiveBatch is how many messages are taken from the transport at once.
const receiveBatch = 128

// maxCauses is how many causes of one kind are logged.
const maxCauses = 64

// startReceiving begins to read the transport's messages and events.
func (b *Bus) startReceiving() {
	ctx, cancel := context.WithCancel(context.Background())
	b.stopReceiving = cancel
	b.receivers.Go(func() { b.receive(ctx, &reception{messages: make([]transport.Message, receiveBatch)}) })
	b.watchers.Go(b.watchPeers)
}

// reception is what was taken from the transport at once.
type reception struct {
	messages []transport.Message
	n, next  int // how many there are, and which is to be handed on next
	err      error
}

// receive hands messages to subscriptions until ctx ends.
func (b *Bus) receive(ctx context.Context, r *reception) {
	ended := false
	defer func() {
		if !ended { // by an inline handler, which has called runtime.Goexit
			b.receivers.Go(func() { b.receive(ctx, r) })
		}
	}()
	for {
		for r.next < r.n {
			m := &r.messages[r.next]
			r.next++
			b.dispatch(b.ctx, m) // what was received is delivered, even when receiving has been stopped
		}
		clear(r.messages[:r.n])
		b.roster.Ask() // the transport may have dropped others
		if r.err != nil {
			break
		}
		r.next = 0
		r.n, r.err = b.transport.Receive(ctx, r.messages)
	}
	if ctx.Err() == nil && !errors.Is(r.err, net.ErrClosed) {
		b.log.Error().Err(r.err).Msg("the transport receives no more")
	}
	ended = true
}

// dispatch hands one message to every subscription that wants it.
func (b *Bus) dispatch(ctx context.Context, m *transport.Message) {
	b.received.Add(1)
	if m.Bare {
		b.dispatchBare(ctx, m.Payload)
		return
	}
	var meta envelope.Meta
	source, again := uuid.Nil, false
	if m.Envelope != nil {
		header, err := envelope.Parse(m.Envelope)
		if err != nil {
			b.badEnvelopes.Add(1)
			if b.badEnvelopeCauses.fresh(err.Error()) {
				b.log.Warn().Err(&EnvelopeError{m.Topic, err}).Msg("message dropped; others like it will only be counted")
			}
			return
		}
		if header.Source == b.source {
			b.echo.Add(1)
			return
		}
		source, again = header.Source, header.Retained
		meta.Seq, meta.Time, meta.Text = header.Seq, header.Time, header.Properties
	}
	s, targets, evicted := b.tracker.find(source, m.Topic, b.generation.Load(), b.sinksFor)
	if evicted {
		b.evicted.Add(1)
	}
	if len(targets.entries) == 0 {
		b.unmatched.Add(1)
		return
	}
	if meta.Seq != 0 {
		if targets = b.sequence(s, targets, meta.Seq, again); targets == nil {
			return
		}
	}
	meta.Origin = s.origin
	meta.SetEncoded(m.Payload)
	b.deliver(ctx, targets, &meta)
}

// causes are what has been logged already. One goroutine uses it.
type causes map[string]struct{}

// fresh reports whether a cause is to be logged: each once, and not more than 64, because peers decide how many there are.
func (c causes) fresh(cause string) bool {
	if _, logged := c[cause]; logged || len(c) >= maxCauses {
		return false
	}
	c[cause] = struct{}{}
	return true
}

// dispatchBare hands a message without a topic to every subscription with a prefix that its payload begins with.
func (b *Bus) dispatchBare(ctx context.Context, frames [][]byte) {
	payload := frames[0]
	all, matched := newTargets(b.sinksFor(string(payload[:min(len(payload), maxTopic)]))), false
	for _, l := range all.Lanes {
		if origin := l.Bare(payload); origin != nil {
			matched = true
			m := envelope.Meta{Origin: origin}
			m.SetEncoded(frames)
			b.offer(ctx, l, &m)
		}
	}
	forEach(all.Inlines, func(i Inline) {
		if origin := i.Bare(payload); origin != nil {
			matched = true
			m := envelope.Meta{Origin: origin}
			m.SetEncoded(frames)
			b.call(ctx, i, &m)
		}
	})
	if !matched {
		b.unmatched.Add(1)
	}
}

// sequence tells what the event's number means, and returns who of the targets is to get it, nil for nobody. A retained one was published before, and is sent
// again because somebody has subscribed.
func (b *Bus) sequence(s *stream, targets *Targets, seq uint64, retained bool) *Targets {
	v := b.tracker.judge(s, seq, retained)
	if v.duplicate {
		if v.late != nil && len(v.late.Lanes)+len(v.late.Inlines) > 0 {
			return v.late
		}
		b.duplicate.Add(1)
		return nil
	}
	if v.newSource {
		b.notices.send(NewSource{Source: s.origin.Source, Topic: s.origin.Topic})
	}
	if v.missing > 0 {
		b.lost.Add(v.missing)
		b.notices.send(Gap{Source: s.origin.Source, Topic: s.origin.Topic, From: seq - v.missing, To: seq - 1})
	}
	return targets
}

// deliver hands an event to all targets of its topic.
func (b *Bus) deliver(ctx context.Context, t *Targets, m *envelope.Meta) {
	for _, l := range t.Lanes {
		b.offer(ctx, l, m)
	}
	if len(t.Inlines) > 0 {
		forEach(t.Inlines, func(i Inline) { b.call(ctx, i, m) })
	}
}

// forEach calls f for all of them, even if the handler of one ends the goroutine.
func forEach(inlines []Inline, f func(Inline)) {
	defer func() {
		if len(inlines) > 0 {
			forEach(inlines, f)
		}
	}()
	for len(inlines) > 0 {
		i := inlines[0]
		inlines = inlines[1:]
		f(i)
	}
}

// offer appends the event to one lane, waiting for room if that is its policy.
func (b *Bus) offer(ctx context.Context, l Lane, m *envelope.Meta) {
	var wait *lane.Wait
	for full := l.Offer(m); full != nil; full = l.Offer(m) {
		if wait == nil {
			wait = b.newWait(nil, m.Origin.Topic)
		}
		var late *lane.TimeoutError
		switch err := wait.For(ctx, full); {
		case err == nil && ctx.Err() == nil: // a bus that closes makes room as well, that of subscriptions which are gone
		case errors.As(err, &late):
			full.Drop()
			return
		default: // the bus was closed
			b.abandoned.Add(1)
			return
		}
	}
}

// call calls an inline handler, and logs its error: no publisher waits for it.
func (b *Bus) call(ctx context.Context, i Inline, m *envelope.Meta) {
	if !i.State().BeginReceived() {
		return
	}
	if err := i.CallEncoded(b.InlineCaller(ctx), *m); err != nil {
		b.log.Error().Err(err).Str("topic", m.Origin.Topic).Uint64("seq", m.Seq).Msg("event failed")
	}
}

// watchPeers turns the transport's events into notices until the transport ends.
func (b *Bus) watchPeers() {
	bad := causes{}
	for e := range b.transport.Events() {
		level := zerolog.DebugLevel
		if e.Bad && bad.fresh(e.Err.Error()) {
			level = zerolog.WarnLevel
		}
		entry := b.log.WithLevel(level).Err(e.Err).Str("peer", e.Peer.Address).Str("endpoint", e.Peer.Endpoint)
		switch {
		case e.Up:
			entry.Msg("peer up")
			b.notices.send(PeerUp{e.Peer})
		case e.Refused:
			entry.Msg("peer refused; others like it will only be counted")
		default:
			entry.Msg("peer down")
			b.roster.Ask() // what was queued for it is dropped
			b.notices.send(PeerDown{e.Peer, e.Err})
		}
	}
}
