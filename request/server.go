package request

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/topic"
)

// Server answers the requests for one call. All methods may be called concurrently, and from the handler.
type Server struct {
	hub      *hub
	call     string
	options  ServeOptions
	replies  *envelope.Origin
	handling handling
	slots    slots
	ctx      context.Context // of handlers; ends with the server
	cancel   context.CancelFunc
	once     sync.Once
	repeated atomic.Uint64
}

// handling is what a server does with a request, whatever its Go types.
type handling interface {
	// serve handles a job, and answers it. The error is that of the handler.
	serve(j *job) error
	// encoded handles a request that came encoded, and returns the encoded reply.
	encoded(call *callContext, m envelope.Meta) (encoding, error)
}

// Serve answers the requests for a call with handler, until the server or the bus is closed: those of clients on the same bus, and of
// other processes through the transport, if it carries requests. Several servers of one call, on one bus or on several, share its
// requests. A transport reads no request before the first Serve on its bus: then it answers those for calls that are not served with
// [CodeUnimplemented], so serve all calls at once.
//
// The handler's error becomes a [*RemoteError] at the client, and so does a panic. Its context ends with the client's deadline, when the
// client gives up or its connection is lost, and with the server. Several handlers run at the same time, up to
// ServeOptions.Workers. The request belongs to the handler until it returns, and the reply to the client from then on.
//
// nil options mean the defaults. The error is a [*bus.OptionError] for a call that was not made by this package, for a nil handler and for
// options outside their limits, a [*bus.OrderError] for middleware in an order that cannot work, [bus.ErrClosed] when the bus is closed, or that
// of the transport.
func Serve[Req, Resp any](b *bus.Bus, c Call[Req, Resp], handler func(ctx context.Context, req Req) (Resp, error), o *ServeOptions) (*Server, error) {
	if err := c.check("request.Serve call"); err != nil {
		return nil, err
	}
	if handler == nil {
		return nil, &bus.OptionError{Field: "request.Serve handler", Value: nil, Limit: "a function"}
	}
	options, err := o.withDefaults(c.name)
	if err != nil {
		return nil, err
	}
	s := &Server{hub: hubOf(b), call: c.name, options: options}
	s.replies = &envelope.Origin{Topic: c.name, Source: b.Source(), ContentType: c.codec.ContentType()}
	s.slots.init(options.Workers, options.Queue)
	s.ctx, s.cancel = context.WithCancel(b.Context())
	d := &served[Req, Resp]{server: s, call: c, handler: handler}
	party := bus.Party{Bus: b, Role: bus.RoleServer, Name: options.Name}
	if err := d.passages.init(party, c.codec, d.innermost, "request.ServeOptions.Middleware", options.Middleware); err != nil {
		s.cancel()
		return nil, err
	}
	s.handling = d
	if err := s.hub.add(s); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// Name returns ServeOptions.Name.
func (s *Server) Name() string { return s.options.Name }

// Close ends the server: what waits is answered with [CodeOverloaded], so that clients ask another one, and the contexts of handlers end. It
// is idempotent, does not wait for handlers that run, so they may call it, and returns nil: Done is closed after them.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.hub.remove(s)
		s.end()
	})
	return nil
}

// end ends the handlers, and refuses what waits.
func (s *Server) end() {
	for left := s.slots.close(); left.n > 0; {
		left.pop().finish(encoding{}, errOverloaded)
	}
	s.cancel()
}

// Done is closed when the server has ended and the last handler has returned.
func (s *Server) Done() <-chan struct{} { return s.slots.Done() }

// served is the handling of a server with its Go types.
type served[Req, Resp any] struct {
	server  *Server
	call    Call[Req, Resp]
	handler func(ctx context.Context, req Req) (Resp, error)
	passages[Req, Resp]
}

// handle calls the handler, through the chain if there is one. A panic becomes an error.
func (d *served[Req, Resp]) handle(call *callContext, e topic.Event[Req]) (reply Resp, err error) {
	defer d.server.guard(&err)
	ctx, err := call.enter(d.server.hub.bus, d.call.name)
	switch {
	case err != nil:
		return reply, err
	case d.chain != nil:
		return d.take(ctx, e)
	case e.Meta().Encoded() != nil:
		return d.decode(ctx, e)
	}
	return d.handler(ctx, e.Value)
}

// decode is apart, so that requests that need no decoding stay on the stack.
func (d *served[Req, Resp]) decode(ctx context.Context, e topic.Event[Req]) (reply Resp, err error) {
	if err := d.decoder.Decode(e.Meta(), e.Meta().Encoded(), &e.Value); err != nil {
		return reply, err
	}
	return d.handler(ctx, e.Value)
}

// innermost is the end of the chain: the handler, with the value decoded.
func (d *served[Req, Resp]) innermost(ctx context.Context, m *bus.Message) error {
	p, err := passageOf[Req, Resp](ctx)
	if err != nil {
		return err
	}
	e := m.Event().(*topic.Event[Req])
	if err := m.Decode(); err != nil {
		return err
	}
	reply, err := d.handler(ctx, e.Value)
	if err == nil { // otherwise there may be one of another attempt, and a middleware that knows what the error means
		p.reply = reply
	}
	return err
}

func (d *served[Req, Resp]) serve(j *job) error {
	p := d.borrow()
	err := d.answer(&j.ctx, p, j.meta)
	j.finish(p.payload, err)
	if d.server.options.Idempotent != nil { // has kept it
		p.payload = encoding{}
	}
	d.giveBack(p)
	return err
}

func (d *served[Req, Resp]) encoded(call *callContext, m envelope.Meta) (encoding, error) {
	p := d.borrow()
	err := d.answer(call, p, m)
	payload := p.payload
	p.payload = encoding{}
	d.giveBack(p)
	return payload, err
}

// answer handles a request that came encoded, and leaves the encoded reply in p, which is empty.
func (d *served[Req, Resp]) answer(call *callContext, p *passage[Req, Resp], m envelope.Meta) (err error) {
	defer d.server.guard(&err) // codecs call methods of the values
	ctx, err := call.enter(d.server.hub.bus, d.call.name)
	if err != nil {
		return err
	}
	p.event = topic.FromMeta(p.event.Value, m)
	if d.chain != nil {
		p.reply, err = d.take(ctx, p.event)
	} else if err = d.decoder.Decode(p.event.Meta(), m.Encoded(), &p.event.Value); err == nil {
		p.reply, err = d.handler(ctx, p.event.Value)
	}
	if err != nil {
		return err
	}
	if err := p.payload.encode(d.codec, &p.reply); err != nil {
		return &RemoteError{CodeInternal, "the reply does not encode: " + err.Error()}
	}
	return nil
}

// guard is deferred: it makes an error of a panic.
func (s *Server) guard(err *error) {
	if value := recover(); value != nil {
		*err = &bus.PanicError{Value: value, Stack: debug.Stack()}
		s.log(*err)
	}
}

// log tells of a handler that panicked or ended its goroutine: its client hears of it, but not where it was.
func (s *Server) log(err error) {
	entry := s.hub.bus.Logger().Error().Err(err).Str("server", s.options.Name)
	if panicked, ok := errors.AsType[*bus.PanicError](err); ok {
		entry = entry.Bytes("stack", panicked.Stack)
	}
	entry.Msg("request failed")
}
