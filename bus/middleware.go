package bus

import (
	"context"
	"fmt"
)

// Handler handles one message. The context is that of the subscription, or of the Publish call on the publish side. The
// message belongs to the call: see [Message].
type Handler func(ctx context.Context, m *Message) error

// Middleware wraps handlers with behaviour that does not depend on the event's type. The same type serves the publish side,
// where the innermost handler hands the message to the bus, and the subscribe side, where it is the subscriber's function.
//
// In a list of middleware the first one is the outermost: with a, b the call is a(b(handler)).
type Middleware struct {
	// Name is shown in logs and errors.
	Name string
	// Phase is where it belongs. The zero Phase is anywhere.
	Phase Phase
	// Attempts is how often it calls next for a message, at most; 0 means once, and less than 0 without a limit.
	Attempts int
	// Wrap returns the wrapped handler. It is called once for each publisher or subscription, never per message. The handler
	// it returns may be called concurrently, and returns only after next has returned. A nil one is refused with an [*OptionError].
	Wrap func(next Handler) Handler
	// Err says what is wrong with the options that it was made from, nil if nothing is. Whatever would use it returns this error instead.
	Err error
}

// Wrap makes a Middleware from a function.
func Wrap(name string, f func(next Handler) Handler) Middleware {
	return Middleware{Name: name, Wrap: f}
}

// Chain wraps h in the given middleware, the first one outermost. With one that cannot be used, the handler that it returns calls nothing and
// returns the error, so that what would be refused does not come through.
func Chain(h Handler, chain ...Middleware) Handler {
	list := chainList{"bus.Chain chain", chain}
	err := list.check()
	if err == nil {
		h, err = list.wrap(h)
	}
	if err != nil {
		return func(context.Context, *Message) error { return err }
	}
	return h
}

// Chain wraps the innermost handler of a party, inside the module: in the chain of the bus for its side, and inside of that in own. It returns
// nil when there is no middleware. field names the list of own. The error is that of a middleware, an [*OptionError] for one without a Wrap
// function, whose function returns nil, or that is for the other side, or an [*OrderError].
func (b *Bus) Chain(r Role, field string, own []Middleware, innermost Handler) (Handler, error) {
	outer, inner := chainList{"bus.Options.Subscribe", b.options.Subscribe}, chainList{field, own}
	if r.Sends() {
		outer = chainList{"bus.Options.Publish", b.options.Publish}
	}
	if err := checkOrder(r.Sends(), outer, inner); err != nil || len(outer.chain)+len(own) == 0 {
		return nil, err
	}
	h, err := inner.wrap(innermost)
	if err != nil {
		return nil, err
	}
	return outer.wrap(h)
}

// chainList is a part of a chain, and the option that it is from.
type chainList struct {
	field string
	chain []Middleware
}

// check returns an error for a middleware that cannot be used at all.
func (l chainList) check() error {
	for i, m := range l.chain {
		if m.Err != nil {
			return fmt.Errorf("%s[%d] (middleware %q): %w", l.field, i, m.Name, m.Err)
		}
		if int(m.Phase) >= len(phases) {
			return &OptionError{Field: fmt.Sprintf("%s[%d].Phase", l.field, i), Value: uint8(m.Phase), Limit: fmt.Sprintf("one of the phases of package bus (middleware %q)", m.Name)}
		}
		if m.Wrap == nil {
			return &OptionError{Field: fmt.Sprintf("%s[%d].Wrap", l.field, i), Value: nil, Limit: fmt.Sprintf("a function (middleware %q)", m.Name)}
		}
	}
	return nil
}

// checkSide returns an error for a middleware that is for the other side: it would fail every event.
func (l chainList) checkSide(sends bool) error {
	side, other := "subscribe", PhaseSend
	if sends {
		side, other = "publish", PhaseReceive
	}
	for i, m := range l.chain {
		if m.Phase == other {
			return &OptionError{
				Field: fmt.Sprintf("%s[%d].Phase", l.field, i), Value: m.Phase, Limit: fmt.Sprintf("one of the %s side (middleware %q)", side, m.Name),
			}
		}
	}
	return nil
}

// wrap wraps h in the list.
func (l chainList) wrap(h Handler) (Handler, error) {
	for i := len(l.chain) - 1; i >= 0; i-- {
		if h = l.chain[i].Wrap(h); h == nil {
			return nil, &OptionError{
				Field: fmt.Sprintf("%s[%d].Wrap(next)", l.field, i), Value: nil, Limit: fmt.Sprintf("a handler (middleware %q)", l.chain[i].Name),
			}
		}
	}
	return h, nil
}
