package bus

import (
	"context"
	"fmt"
)

// Handler handles one message. The context is that of the subscription, or of the Publish call on the publish side. The
// message belongs to the call: see [Message].
type Handler func(ctx context.Context, m *Message) error

// Phase is the place in a chain that a middleware belongs to. The zero Phase is anywhere.
type Phase uint8

// Middleware wraps handlers with behaviour that does not depend on the event's type. The same type serves the publish side,
// where the innermost handler hands the message to the bus, and the subscribe side, where it is the subscriber's function.
//
// In a list of middleware the first one is the outermost: with a, b the call is a(b(handler)).
type Middleware struct {
	// Name is shown in logs and errors.
	Name string
	// Phase is where it belongs.
	Phase Phase
	// Attempts is how often it calls next at most; 0 means once.
	Attempts int
	// Wrap returns the wrapped handler. It is called once for each publisher or subscription, never per message. The handler
	// it returns may be called concurrently, and returns only after next has returned.
	Wrap func(next Handler) Handler
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

// CheckChain returns an [*OptionError] for a middleware without a Wrap function, inside the module. field names the list.
func CheckChain(field string, chain []Middleware) error {
	for i, m := range chain {
		if m.Wrap == nil {
			return &OptionError{Field: fmt.Sprintf("%s[%d].Wrap", field, i), Value: nil, Limit: fmt.Sprintf("a function (middleware %q)", m.Name)}
		}
	}
	return nil
}
