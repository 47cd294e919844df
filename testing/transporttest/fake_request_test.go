package transporttest_test

import (
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// fakeExchange is a sound exchange but for the methods that are set.
type fakeExchange struct {
	transport.Exchange
	id      func() uint64
	send    func(m *transport.Message) error
	unasked func() int
	take    func() (transport.Answer, bool)
	end     func(cancel *transport.Message)
}

func (e *fakeExchange) ID() uint64 {
	if e.id != nil {
		return e.id()
	}
	return e.Exchange.ID()
}

func (e *fakeExchange) Send(m *transport.Message) error {
	if e.send != nil {
		return e.send(m)
	}
	return e.Exchange.Send(m)
}

func (e *fakeExchange) Unasked() int {
	if e.unasked != nil {
		return e.unasked()
	}
	return e.Exchange.Unasked()
}

func (e *fakeExchange) Take() (transport.Answer, bool) {
	if e.take != nil {
		return e.take()
	}
	return e.Exchange.Take()
}

func (e *fakeExchange) End(cancel *transport.Message) {
	if e.end != nil {
		e.end(cancel)
		return
	}
	e.Exchange.End(cancel)
}

// asking is the fault of exchanges that spoil has broken.
func asking(spoil func(e *fakeExchange)) breaker {
	return func(f *fake) {
		f.exchange = func(woken chan<- struct{}) (transport.Exchange, error) {
			inner, err := f.sound.Exchange(woken)
			if err != nil {
				return nil, err
			}
			e := &fakeExchange{Exchange: inner}
			spoil(e)
			return e, nil
		}
	}
}

// serverFunc is a transport.Server.
type serverFunc func(r transport.Request)

func (f serverFunc) Request(r transport.Request) { f(r) }

// fakeRequest is a sound request but for the methods that are set.
type fakeRequest struct {
	transport.Request
	client      func() transport.Peer
	arrived     func() time.Time
	onAbandoned func(f func(lost bool))
	reply       func(m *transport.Message) error
	discard     func()
	cancel      func()
}

func (r *fakeRequest) Client() transport.Peer {
	if r.client != nil {
		return r.client()
	}
	return r.Request.Client()
}

func (r *fakeRequest) Arrived() time.Time {
	if r.arrived != nil {
		return r.arrived()
	}
	return r.Request.Arrived()
}

func (r *fakeRequest) OnAbandoned(f func(lost bool)) {
	if r.onAbandoned != nil {
		r.onAbandoned(f)
		return
	}
	r.Request.OnAbandoned(f)
}

func (r *fakeRequest) Reply(m *transport.Message) error {
	if r.reply != nil {
		return r.reply(m)
	}
	return r.Request.Reply(m)
}

func (r *fakeRequest) Discard() {
	if r.discard != nil {
		r.discard()
		return
	}
	r.Request.Discard()
}

func (r *fakeRequest) Cancel() {
	if r.cancel != nil {
		r.cancel()
		return
	}
	r.Request.Cancel()
}

// serving is the fault of requests that spoil has broken.
func serving(spoil func(r *fakeRequest)) breaker {
	return func(f *fake) {
		f.serve = func(s transport.Server) error {
			return f.sound.Serve(serverFunc(func(r transport.Request) {
				broken := &fakeRequest{Request: r}
				spoil(broken)
				s.Request(broken)
			}))
		}
	}
}
