package bus

import (
	"context"
	"unsafe"

	"github.com/fanfare-go/fanfare/internal/lane"
)

// maxDepth is how many inline handlers may call each other by publishing.
const maxDepth = 64

// HandlerContext returns ctx as the context of the handlers that caller calls, inside the module. The bus recognises a publish from a
// handler by it.
func HandlerContext(ctx context.Context, caller *lane.Caller) context.Context {
	return context.WithValue(ctx, handlerKey{}, caller)
}

type handlerKey struct{}

// handlerOf returns the caller of the handler of this bus that ctx belongs to, nil if there is none.
func (b *Bus) handlerOf(ctx context.Context) *lane.Caller {
	if c, _ := ctx.Value(handlerKey{}).(*lane.Caller); c != nil && c.Graph == &b.graph {
		return c
	}
	return nil
}

// InlineCaller is a publish on its way to inline handlers, inside the module: their context, which is the publish's and tells the bus that
// a handler is at work.
type InlineCaller struct {
	context.Context
	caller lane.Caller
}

// Value returns what the bus knows handlers by, and else the value of the publish's context.
func (c *InlineCaller) Value(key any) any {
	if _, ok := key.(handlerKey); ok {
		return &c.caller
	}
	return c.Context.Value(key)
}

// TooDeep reports whether the handlers may not be called: too many called each other to get here.
func (c *InlineCaller) TooDeep() bool { return c.caller.Depth > maxDepth }

// InlineCaller returns the caller for a publish with ctx.
func (b *Bus) InlineCaller(ctx context.Context) *InlineCaller {
	c := &InlineCaller{}
	b.SetInlineCaller(ctx, c)
	return c
}

// SetInlineCaller makes c the caller for a publish with ctx.
func (b *Bus) SetInlineCaller(ctx context.Context, c *InlineCaller) {
	c.Context, c.caller = ctx, lane.Caller{Graph: &b.graph, Depth: 1}
	if outer := b.handlerOf(ctx); outer != nil {
		c.caller.Outer, c.caller.Depth = outer, outer.Depth+1
	}
}

// Is reports whether the caller is one for ctx.
func (c *InlineCaller) Is(ctx context.Context) bool { return same(c.Context, ctx) }

// same reports whether two contexts are the same value in memory. Comparing them by == panics for types that cannot be compared.
func same(a, b context.Context) bool {
	type words struct{ of, value unsafe.Pointer }
	x, y := (*words)(unsafe.Pointer(&a)), (*words)(unsafe.Pointer(&b))
	return x.value == y.value && x.of == y.of
}
