package zmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// numbered returns a message whose envelope has that number.
func numbered(topic string, seq uint64, payload string) *transport.Message {
	m := message(topic, payload)
	m.Envelope = envelope.Append(nil, &envelope.Meta{Origin: &envelope.Origin{}, Seq: seq})
	return m
}

func publishRetained(t testing.TB, tr transport.Retainer, m *transport.Message, key string, limit int) {
	t.Helper()
	if err := tr.PublishRetained(m, key, limit); err != nil {
		t.Fatal(err)
	}
}

// wantEvents receives messages and compares topic, number, payload, and whether they are retained: "topic seq payload retained".
func wantEvents(t testing.TB, tr transport.Transport, wants ...string) {
	t.Helper()
	for i, m := range receive(t, tr, len(wants)) {
		h, err := envelope.Parse(m.Envelope)
		if got := fmt.Sprintf("%s %d %s %t", m.Topic, h.Seq, text(m), h.Retained); got != wants[i] || err != nil {
			t.Fatalf("received %.100s, want %.100s, %v", got, wants[i], err)
		}
	}
}

// Who subscribes late gets the last of each key, marked, as soon as the subscription is in force, and only then what is published later.
func TestRetained(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		pub, early := pair(t, endpoint, "t")
		for i, key := range strings.Split("x y x z", " ") {
			publishRetained(t, pub, numbered("t", uint64(i+1), key), key, 2)
		}
		publishRetained(t, pub, numbered("t.other", 1, "alone"), "", 1)
		late := open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...)})
		subscribe(t, late, "t")
		ready(t, late)
		publishRetained(t, pub, numbered("t", 5, "live"), "x", 2)
		wantEvents(t, early, "t 1 x false", "t 2 y false", "t 3 x false", "t 4 z false", "t.other 1 alone false", "t 5 live false")
		wantEvents(t, late, "t 3 x true", "t 4 z true", "t.other 1 alone true", "t 5 live false")
		for range 2 { // a second subscription, and a third
			subscribe(t, late, "t")
			ready(t, late)
			wantEvents(t, late, "t 4 z true", "t.other 1 alone true", "t 5 live true")
		}
		if s := pub.Stats(); s.RetainedEvicted != 1 || s.Dropped != 0 || s.Sent != 6+4+2*3 {
			t.Errorf("%+v", s)
		}
	})
}

// The message is the caller's again when PublishRetained returns, an owned payload excepted, and it is not marked.
func TestRetainedIsACopy(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		pub, early := pair(t, endpoint, "t")
		late := open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...)})
		for i, size := range []int{10, 100_000} {
			for _, owned := range []bool{false, true} {
				payload := strings.Repeat("x", size)
				m := numbered("t", uint64(i+1), payload)
				m.Owned = owned
				before := bytes.Clone(m.Envelope)
				publishRetained(t, pub, m, "", 1)
				if !bytes.Equal(m.Envelope, before) {
					t.Error("the caller's envelope was changed")
				}
				clear(m.Envelope)
				if !owned {
					clear(m.Payload[0])
				}
				got := receive(t, early, 1)[0]
				if h, err := envelope.Parse(got.Envelope); err != nil || h.Retained || text(got) != payload {
					t.Errorf("%d bytes, owned %t: %+v, %v", size, owned, h, err)
				}
				clear(got.Payload[0])
				subscribe(t, late, "t")
				wantEvents(t, late, fmt.Sprintf("t %d %s true", i+1, payload))
				if err := late.Unsubscribe("t"); err != nil {
					t.Fatal(err)
				}
				eventually(t, pub, "late left", func() bool { return pub.Subscribers("t") == 1 })
			}
		}
	})
}

// Without an envelope on the wire nothing is kept, and what was stays.
func TestPlainIsNotRetained(t *testing.T) {
	t.Parallel()
	plain := numbered("t", 2, "plain")
	plain.Plain = true
	for name, tc := range map[string]struct {
		options zmq.Options
		message *transport.Message
		want    []string
	}{
		"message":     {zmq.Options{}, plain, []string{"t 1 kept true"}},
		"no envelope": {zmq.Options{}, &transport.Message{Topic: "t", Payload: [][]byte{[]byte("plain")}}, []string{"t 1 kept true"}},
		"transport":   {zmq.Options{Plain: true}, numbered("t", 2, "plain"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.options.Publish = zmq.Bind(anyPort)
			pub := open(t, &tc.options)
			early, late := rawSub(t, pub), open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...)})
			publishRetained(t, pub, numbered("t", 1, "kept"), "", 1)
			publishRetained(t, pub, tc.message, "", 1)
			for _, frames := range []int{3, 2} {
				if tc.options.Plain {
					frames = 2
				}
				if m, err := early.RecvContext(patient(t)); err != nil || len(m.Frames) != frames {
					t.Errorf("%q, %v", m.Frames, err)
				}
			}
			subscribe(t, late, "t")
			ready(t, late)
			publish(t, pub, message("t.last", "last"))
			wantEvents(t, late, tc.want...)
			want(t, late, message("t.last", "last"))
		})
	}
}

func TestRetainedErrors(t *testing.T) {
	t.Parallel()
	pub, sub := pair(t, anyPort, "")
	none := message("a", "x")
	none.Envelope = none.Envelope[:37]
	for want, tc := range map[string]struct {
		message *transport.Message
		limit   int
	}{
		"zmq: length of topic is 256, allowed is 255 bytes or less":                  {message(strings.Repeat("t", 256), "x"), 1},
		"zmq: number of payload parts is 0, allowed is 1 or more":                    {message("a"), 1},
		"zmq: number of retained keys is 0, allowed is 1 or more":                    {message("a", "x"), 0},
		"zmq: envelope is 37, allowed is 38 bytes or more that begin with the magic": {none, 1},
		"socket: message with frames 1025, the limit is 1024":                        {message("a", make([]string, 1023)...), 1},
	} {
		if err := pub.PublishRetained(tc.message, "", tc.limit); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	var limit *zmq.LimitError
	if err := pub.PublishRetained(message("a", "x"), "", -1); !errors.As(err, &limit) {
		t.Errorf("%T", err)
	}
	subscribe(t, sub, "")
	ready(t, sub)
	publish(t, pub, message("a", "all there is"))
	want(t, sub, message("a", "all there is"))
}
