package request

import (
	"cmp"
	"context"
	"errors"
	"math"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

// Client asks for one call. All methods may be called concurrently.
type Client[Req, Resp any] struct {
	asker
	slots  slots
	call   Call[Req, Resp]
	origin *envelope.Origin
	passages[Req, Resp]
}

// NewClient returns a client for a call. Servers on the same bus are called directly; when there are none, requests go through the
// transport to those that it is connected to, now or before the time of a request is over.
//
// nil options mean the defaults. The error is a [*bus.OptionError] for a call that was not made by this package and for options outside
// their limits, a [*bus.OrderError] for middleware in an order that cannot work, or [bus.ErrClosed] when the bus is closed.
func NewClient[Req, Resp any](b *bus.Bus, c Call[Req, Resp], o *Options) (*Client[Req, Resp], error) {
	if err := c.check("request.NewClient call"); err != nil {
		return nil, err
	}
	options, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	h := hubOf(b)
	cl := &Client[Req, Resp]{
		asker:  asker{hub: h, group: h.group(c.name), name: c.name, options: options},
		call:   c,
		origin: &envelope.Origin{Topic: c.name, Source: b.Source(), ContentType: c.codec.ContentType()},
	}
	cl.slots.init(math.MaxInt, 0)
	party := bus.Party{Bus: b, Role: bus.RoleClient, Name: c.name}
	if err := cl.passages.init(party, c.codec, cl.innermost, "request.Options.Middleware", options.Middleware); err != nil {
		return nil, err
	}
	if err := b.Register(clientService{&cl.slots, c.name}); err != nil {
		return nil, err
	}
	return cl, nil
}

// Do asks, and returns the reply. It waits until Options.Timeout or the deadline of ctx, whichever comes first.
//
// Errors: [ErrTimeout] when no reply came in time, although a server was there; [ErrNoServer] when there was none at any time (both in a
// [*NoReplyError]); a [*RemoteError] that a server answered with; the error of ctx when it was cancelled, upon which servers are told to
// give up; [bus.ErrClosed]; a [*bus.DecodeError] for a reply that does not decode; that of the call's codec or of the transport for a request
// that cannot be sent, such as a [*bus.RecursionError] of handlers that call each other for ever.
//
// A request that is tried again may be handled more than once: see Options.Attempts, and [Idempotent]. To a server in this process there
// is one attempt, in this goroutine: then Do returns when the handler has.
func (c *Client[Req, Resp]) Do(ctx context.Context, req Req) (reply Resp, err error) {
	if ctx.Err() != nil {
		return reply, c.ended(ctx, ErrTimeout)
	}
	if err := c.hub.bus.Admit(ctx); err != nil {
		return reply, err
	}
	if _, err := c.slots.enter(ctx); err != nil {
		return reply, bus.ErrClosed
	}
	o := failure // unless a handler in this process returns
	defer func() { c.slots.leave(o) }()
	if err := c.hub.bus.Admit(ctx); err != nil { // again: Shutdown has not waited for what it did not see
		return reply, err
	}
	e := topic.FromMeta(req, envelope.Meta{Origin: c.origin, Time: c.hub.bus.Now()})
	if c.chain == nil {
		reply, err = c.ask(ctx, e)
	} else {
		if d := c.limit(ctx, time.Now()); !d.IsZero() { // which middleware is to see, and not to begin anew
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, d)
			defer cancel()
		}
		reply, err = c.take(ctx, e)
	}
	o = outcomeOf(err)
	return reply, err
}

// innermost is the end of the chain, whose middleware may have set headers.
func (c *Client[Req, Resp]) innermost(ctx context.Context, m *bus.Message) (err error) {
	p, err := passageOf[Req, Resp](ctx)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return c.ended(ctx, ErrTimeout)
	}
	if d, ok := ctx.Deadline(); ok && time.Until(d) <= 0 { // the timer of the context is about to go off
		return &NoReplyError{Call: c.name, Reason: ErrTimeout}
	}
	reply, err := c.ask(ctx, *m.Event().(*topic.Event[Req]))
	if err == nil { // otherwise there may be one of another attempt
		p.reply = reply
	}
	return err
}

// ask asks a server in this process, or if there is none, those in others.
func (c *Client[Req, Resp]) ask(ctx context.Context, e topic.Event[Req]) (reply Resp, err error) {
	began := time.Now()
	deadline := c.limit(ctx, began)
	for {
		if s := c.group.pick(); s != nil {
			reply, err = c.direct(ctx, s, e, deadline)
			if !errors.Is(err, errEnding) { // otherwise it was closed at this moment
				return reply, err
			}
			if c.hub.bus.Context().Err() != nil { // all of them are
				return reply, bus.ErrClosed
			}
		}
		if c.hub.transport == nil {
			err = c.awaitLocal(ctx, deadline)
		} else {
			reply, err = c.remote(ctx, e, began, deadline)
		}
		if !errors.Is(err, errLocal) {
			return reply, err
		}
	}
}

// remote asks servers in other processes.
func (c *Client[Req, Resp]) remote(ctx context.Context, e topic.Event[Req], began, deadline time.Time) (reply Resp, err error) {
	p, t := c.borrow(), c.newTrial(deadline)
	defer c.giveBack(p)
	defer t.end()
	if frames := e.Meta().Encoded(); frames != nil {
		t.message = transport.Message{Topic: c.name, Payload: frames, Owned: true}
	} else {
		p.event = e
		if err = p.payload.encode(c.codec, &p.event.Value); err != nil {
			return reply, err
		}
		t.outgoing.set(c.name, p.payload)
	}
	m, err := t.ask(ctx, e.Meta(), began)
	if err != nil {
		return reply, err
	}
	if err = c.decoder.Decode(m, m.Encoded(), &p.reply); err != nil {
		return reply, err
	}
	return p.reply, nil
}

// direct calls the handler of a server in this process.
func (c *Client[Req, Resp]) direct(ctx context.Context, s *Server, e topic.Event[Req], deadline time.Time) (reply Resp, err error) {
	call := newCallContext(ctx, s.ctx, deadline)
	defer call.End()
	waited, err := s.slots.enter(call)
	if err != nil {
		return reply, c.verdict(ctx, err, deadline)
	}
	o, running := failure, false // unless the handler returns
	defer func() {
		if running { // the handler has ended the goroutine
			s.log(errGoexit)
		}
		s.start(s.slots.leave(o))
	}()
	if waited && (call.Err() != nil || !deadline.IsZero() && !time.Now().Before(deadline)) {
		o = expiry
		return reply, c.verdict(ctx, cmp.Or(call.Err(), context.DeadlineExceeded), deadline)
	}
	if same, ok := s.handling.(*served[Req, Resp]); ok {
		running = true
		reply, err = same.handle(call, e)
		running = false
		o = outcomeOf(err)
		return reply, c.verdict(ctx, err, deadline)
	}
	if e.Meta().Encoded() == nil {
		var payload encoding
		if payload, err = encode(c.codec, e.Value); err != nil {
			return reply, err
		}
		e.Meta().SetEncoded(payload.parts())
	}
	running = true
	payload, err := s.handling.encoded(call, *e.Meta())
	running = false
	if o = outcomeOf(err); err != nil {
		return reply, c.verdict(ctx, err, deadline)
	}
	m := envelope.Meta{Origin: s.replies}
	m.SetEncoded(payload.parts())
	return reply, c.decoder.Decode(&m, m.Encoded(), &reply)
}

// verdict returns what the error of a handler in this process is to the caller: the same as if it had been in another one.
func (c *Client[Req, Resp]) verdict(ctx context.Context, err error, deadline time.Time) (verdict error) {
	defer func() {
		if recover() != nil { // methods of the error have panicked
			verdict = remote(err)
		}
	}()
	var recursion *bus.RecursionError
	switch {
	case err == nil || err == errEnding:
		return err
	case ctx.Err() != nil:
		return c.ended(ctx, ErrTimeout)
	case !deadline.IsZero() && !time.Now().Before(deadline) && errors.Is(err, context.DeadlineExceeded):
		return &NoReplyError{Call: c.name, Reason: ErrTimeout, Attempts: 1}
	case errors.As(err, &recursion):
		return err
	}
	return remote(err)
}

// WaitServers waits until n servers can be asked: those of the call on this bus, and connected peers that serve, whatever they serve.
// When ctx ends first, the error is a [*bus.NotReadyError] that lists what is missing; after the end of the bus it is [bus.ErrClosed].
func (c *Client[Req, Resp]) WaitServers(ctx context.Context, n int) error {
	return c.hub.bus.Await(ctx, func() []string {
		missing := []string(nil)
		have := len(*c.group.servers.Load())
		if c.hub.transport != nil {
			have += c.hub.transport.Servers()
			missing = c.hub.transport.Unserved()
		}
		return short(have, n, c.name, missing)
	})
}

// Close ends the client: further calls of Do return [bus.ErrClosed]; those under way go on. It is idempotent and returns nil. A client need
// not be closed before its bus.
func (c *Client[Req, Resp]) Close() error {
	c.slots.close()
	return nil
}

// encode returns the encoding of v in memory of its own.
func encode[T any](c codec.Codec, v T) (e encoding, err error) {
	err = e.encode(c, &v)
	return e, err
}
