package request_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport"
)

// narrow is a request that takes replies of some bytes only.
type narrow struct {
	*fakeRequest
	limit     int
	discarded atomic.Int32
}

func (r *narrow) Reply(m *transport.Message) error {
	size := len(m.Topic) + len(m.Envelope)
	for _, part := range m.Payload {
		size += len(part)
	}
	if size > r.limit {
		return errors.New("too large")
	}
	return r.fakeRequest.Reply(m)
}

func (r *narrow) Discard() { r.discarded.Add(1) }

func newNarrow(limit int, m transport.Message) *narrow {
	return &narrow{fakeRequest: &fakeRequest{message: m, replies: make(chan transport.Message, 1)}, limit: limit}
}

// A failure whose text does not fit is answered with its code, and a request that no answer fits to is not kept.
func TestAnswersThatDoNotFit(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		serve(t, b, failing, fail, &request.ServeOptions{Default: true, PlainError: []byte("sorry")})
		short := newNarrow(100, call("test.fail", 1, `"long"`))
		peers.server.Request(short)
		if _, status, message := short.outcome(t); status != "failed" || message != "" {
			t.Errorf("%q %q", status, message)
		}
		long := strings.Repeat("x", 200)
		plain := newNarrow(100, transport.Message{Payload: [][]byte{[]byte(`"` + long + `"`)}})
		peers.server.Request(plain)
		if payload, _, _ := plain.outcome(t); payload != "sorry" {
			t.Errorf("a plain peer got %q", payload)
		}
		never := []*narrow{
			newNarrow(4, call("test.fail", 2, `"all well"`)),
			newNarrow(4, call("test.fail", 3, `"error"`)),
			newNarrow(4, call("test.unknown", 4, "")),
			newNarrow(-1, transport.Message{Payload: [][]byte{[]byte(`"error"`)}}),
		}
		for i, r := range never {
			peers.server.Request(r)
			synctest.Wait()
			if len(r.replies) != 0 || r.discarded.Load() != 1 {
				t.Errorf("request %d: %d replies, discarded %d times", i, len(r.replies), r.discarded.Load())
			}
		}
	})
}

// What is said instead does not depend on there being a PlainError, which may not fit either.
func TestAnswersWithoutAndWithLongPlainError(t *testing.T) {
	for name, plainError := range map[string]string{"without": "", "long": strings.Repeat("x", 200)} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
				serve(t, b, failing, fail, &request.ServeOptions{Default: true, PlainError: []byte(plainError)})
				short := newNarrow(100, call("test.fail", 1, `"long"`))
				plain := newNarrow(100, transport.Message{Payload: [][]byte{[]byte(`"error"`)}})
				for _, r := range []*narrow{short, plain} {
					peers.server.Request(r)
					synctest.Wait()
					if len(r.replies) != 1 || r.discarded.Load() != 0 {
						t.Fatalf("%d replies", len(r.replies))
					}
				}
				if _, status, message := short.outcome(t); status != "failed" || message != "" {
					t.Errorf("%q %q", status, message)
				}
				if payload, _, _ := plain.outcome(t); payload != "" {
					t.Errorf("a plain peer got %q", payload)
				}
			})
		})
	}
}

func TestPlainRequestsThatNoAnswerFits(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		serve(t, b, failing, fail, nil)
		r := newNarrow(-1, transport.Message{Payload: [][]byte{nil}})
		peers.server.Request(r)
		if r.discarded.Load() != 1 {
			t.Error("a plain request without a default is kept")
		}
	})
}
