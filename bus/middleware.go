package bus

import (
	"context"
	"fmt"
	"slices"
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
	// it returns may be called concurrently, and returns only after next has returned.
	Wrap func(next Handler) Handler
	// Err says what is wrong with the options that it was made from, nil if nothing is. Whatever would use it returns this error instead.
	Err error
}

// Wrap makes a Middleware from a function.
func Wrap(name string, f func(next Handler) Handler) Middleware {
	return Middleware{Name: name, Wrap: f}
}

// Chain wraps h in the given middleware, the first one outermost.
func Chain(h Handler, chain ...Middleware) Handler {
	for i := len(chain) - 1; i >= 0; i-- {
		h = chain[i].Wrap(h)
	}
	return h
}

// Middleware returns the chain of a party, inside the module: that of the bus for its side, and inside of it own. field names the list of
// own. The error is that of a middleware, an [*OptionError] for one without a Wrap function, or an [*OrderError].
func (b *Bus) Middleware(r Role, field string, own []Middleware) ([]Middleware, error) {
	list := chainList{"bus.Options.Subscribe", b.options.Subscribe}
	if r.Sends() {
		list = chainList{"bus.Options.Publish", b.options.Publish}
	}
	if err := checkOrder(list, chainList{field, own}); err != nil {
		return nil, err
	}
	return slices.Concat(list.chain, own), nil
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
		if m.Wrap == nil {
			return &OptionError{Field: fmt.Sprintf("%s[%d].Wrap", l.field, i), Value: nil, Limit: fmt.Sprintf("a function (middleware %q)", m.Name)}
		}
	}
	return nil
}
