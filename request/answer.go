package request

import (
	"errors"
	"net"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// answer is what a request is answered with: a payload, or a failure, of which plain peers get plainError.
type answer struct {
	origin     *envelope.Origin
	payload    encoding
	failure    *RemoteError
	plainError []byte
}

// refuse answers a request that there is no server for.
func (h *hub) refuse(r transport.Request, call string, failure *RemoteError) {
	h.answer(r, answer{origin: &envelope.Origin{Topic: call}, failure: failure})
}

// answer sends a reply. What does not fit gives way to something shorter, and when nothing fits, because the client's own frames leave no
// room, the request ends without. What does not arrive is counted by the transport.
func (h *hub) answer(r transport.Request, a answer) {
	err := h.send(r, &a)
	switch {
	case err == nil, errors.Is(err, transport.ErrLost), errors.Is(err, net.ErrClosed):
	case a.failure == nil: // such as its size
		a.payload, a.failure = encoding{}, &RemoteError{CodeInternal, err.Error()}
		h.answer(r, a)
	case a.failure.Message != "" || len(a.plainError) > 0:
		a.failure, a.plainError = &RemoteError{Code: a.failure.Code}, nil
		h.answer(r, a)
	default:
		r.Discard()
	}
}

// send hands the transport a reply, in memory that is used again.
func (h *hub) send(r transport.Request, a *answer) error {
	o, _ := h.outgoing.Get().(*outgoing)
	if o == nil {
		o = &outgoing{}
	}
	defer h.outgoing.Put(o)
	defer o.clear()
	switch {
	case r.Message().Envelope == nil && a.failure != nil:
		o.set("", encoding{bytes: a.plainError})
		o.message.Owned = false // there will be others with it
	case r.Message().Envelope == nil:
		o.set(a.origin.Topic, a.payload)
	default:
		o.set(a.origin.Topic, a.payload)
		o.envelope = h.appendEnvelope(o.envelope[:0], a)
		o.message.Envelope = o.envelope
	}
	return r.Reply(&o.message)
}

func (h *hub) appendEnvelope(dst []byte, a *answer) []byte {
	meta := envelope.Meta{Origin: a.origin, Time: h.bus.Now()}
	if a.failure == nil {
		return envelope.Append(dst, &meta)
	}
	meta.Origin = &envelope.Origin{Topic: a.origin.Topic, Source: h.bus.Source()} // without a payload there is no content type
	dst = envelope.Append(dst, &meta)
	dst = envelope.AppendProperty(dst, statusProperty, string(a.failure.Code))
	return envelope.AppendProperty(dst, messageProperty, a.failure.Message)
}
