package request

import "context"

// Interface is what [Client] does for code that asks. Code that takes it instead of a *Client can be tested without a server: see
// testing/bustest.
type Interface[Req, Resp any] interface {
	Do(ctx context.Context, req Req) (Resp, error)
}

var _ Interface[any, any] = (*Client[any, any])(nil)
