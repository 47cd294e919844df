package request

import (
	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

// Call is the name of something that can be asked for, the Go types of question and answer, and how they are encoded when they leave the
// process. The zero Call is not usable: see [NewCall] and [ParseCall].
type Call[Req, Resp any] struct {
	name  string
	codec codec.Codec
}

// NewCall returns the call with the given name, encoded as JSON. It panics with a [*topic.NameError] on a bad name, so it is meant for
// package-level variables; names that are known only at run time go through [ParseCall].
func NewCall[Req, Resp any](name string) Call[Req, Resp] {
	c, err := ParseCall[Req, Resp](name)
	if err != nil {
		panic(err)
	}
	return c
}

// ParseCall returns the call with the given name, encoded as JSON. Names follow the rules of [topic.Parse]; otherwise the error is a
// [*topic.NameError].
func ParseCall[Req, Resp any](name string) (Call[Req, Resp], error) {
	t, err := topic.Parse[Req](name)
	if err != nil {
		return Call[Req, Resp]{}, err
	}
	return Call[Req, Resp]{name: t.String(), codec: t.Codec()}, nil
}

// WithCodec returns the call with another codec, for requests and replies. It matters only where they are encoded: towards other
// processes, and between a client and a server of different Go types.
func (c Call[Req, Resp]) WithCodec(codec codec.Codec) Call[Req, Resp] {
	c.codec = codec
	return c
}

// Codec returns how requests and replies are encoded, nil for the zero Call.
func (c Call[Req, Resp]) Codec() codec.Codec { return c.codec }

// String returns the name of the call.
func (c Call[Req, Resp]) String() string { return c.name }

// check returns an error for a call that was not made by this package.
func (c Call[Req, Resp]) check(field string) error {
	if c.name == "" || c.codec == nil {
		return &bus.OptionError{Field: field, Value: c.name, Limit: "one made by package request, with a codec"}
	}
	return nil
}
