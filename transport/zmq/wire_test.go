package zmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/go-zeromq/zmq4"
)

// rawSub is a bare SUB socket at the publisher.
func rawSub(t *testing.T, pub *zmq.Transport) *socket.Sub {
	t.Helper()
	s := socket.NewSub(nil)
	t.Cleanup(func() { _ = s.Close() })
	_ = s.Subscribe("")
	if err := s.Dial(pub.Bound().Publish[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(patient(t)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFramesSent(t *testing.T) {
	t.Parallel()
	envelope := string(fakeEnvelope(38))
	for name, tc := range map[string]struct {
		options zmq.Options
		message transport.Message
		want    []string
	}{
		"enveloped":       {zmq.Options{}, *message("a", "x"), []string{"a", envelope, "x"}},
		"parts":           {zmq.Options{}, *message("a", "", "y", ""), []string{"a", envelope, "", "y", ""}},
		"owned":           {zmq.Options{}, transport.Message{Topic: "a", Envelope: fakeEnvelope(38), Payload: [][]byte{{}}, Owned: true}, []string{"a", envelope, ""}},
		"plain message":   {zmq.Options{}, transport.Message{Topic: "a", Envelope: fakeEnvelope(38), Payload: [][]byte{{'x'}}, Plain: true}, []string{"a", "x"}},
		"plain transport": {zmq.Options{Plain: true}, *message("a", "x", "y"), []string{"a", "x", "y"}},
		"no envelope":     {zmq.Options{}, transport.Message{Topic: "a", Payload: [][]byte{{'x'}}}, []string{"a", "x"}},
		"empty topic":     {zmq.Options{}, *message("", "x"), []string{"", envelope, "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := tc.options
			o.Publish = zmq.Bind(anyPort)
			pub := open(t, &o)
			sub := rawSub(t, pub)
			publish(t, pub, &tc.message)
			m, err := sub.RecvContext(patient(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%q", m.Frames); got != fmt.Sprintf("%q", tc.want) {
				t.Errorf("sent %s, want %q", got, tc.want)
			}
		})
	}
}

func TestFramesReceived(t *testing.T) {
	t.Parallel()
	sub := open(t, &zmq.Options{Subscribe: zmq.Bind(anyPort)})
	subscribe(t, sub, "")
	pub := socket.NewPub(nil)
	t.Cleanup(func() { _ = pub.Close() })
	if err := pub.Dial(sub.Bound().Subscribe[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, sub, "a publisher", func() bool { return sub.Publishers() == 1 })
	envelope := string(fakeEnvelope(38))
	for _, tc := range []struct {
		frames []string
		want   transport.Message // the payload is compared apart
		parts  int
	}{
		{[]string{"a", envelope, "x"}, transport.Message{Topic: "a", Envelope: []byte(envelope)}, 1},
		{[]string{"a", envelope, "x", ""}, transport.Message{Topic: "a", Envelope: []byte(envelope)}, 2},
		{[]string{"", envelope, ""}, transport.Message{Envelope: []byte(envelope)}, 1},
		{[]string{"a", envelope}, transport.Message{Topic: "a"}, 1},
		{[]string{"a", envelope[:37], "x"}, transport.Message{Topic: "a"}, 2},
		{[]string{"a", "x" + envelope[1:], "x"}, transport.Message{Topic: "a"}, 2},
		{[]string{"a", "x"}, transport.Message{Topic: "a"}, 1},
		{[]string{"\xff\x00", ""}, transport.Message{Topic: "\xff\x00"}, 1},
		{[]string{"10001 -5 43"}, transport.Message{Bare: true}, 1},
		{[]string{strings.Repeat("b", 1000)}, transport.Message{Bare: true}, 1},
		{[]string{""}, transport.Message{Bare: true}, 1},
		{[]string{strings.Repeat("t", 255), "x"}, transport.Message{Topic: strings.Repeat("t", 255)}, 1},
	} {
		if err := pub.Send(zmq4.NewMsgFromString(tc.frames)); err != nil {
			t.Fatal(err)
		}
		got := receive(t, sub, 1)[0]
		if got.Topic != tc.want.Topic || got.Bare != tc.want.Bare || !bytes.Equal(got.Envelope, tc.want.Envelope) || got.Plain || got.Owned {
			t.Errorf("%q: %+v", tc.frames, got)
		}
		if last := tc.frames[len(tc.frames)-tc.parts:]; text(got) != strings.Join(last, "|") || len(got.Payload) != tc.parts {
			t.Errorf("%q: payload %q", tc.frames, got.Payload)
		}
	}
}

// A topic that no publisher of ours could use is dropped, and what comes before and after it is not.
func TestLongTopicIsDropped(t *testing.T) {
	t.Parallel()
	sub := open(t, &zmq.Options{Subscribe: zmq.Bind(anyPort)})
	subscribe(t, sub, "t")
	pub := socket.NewPub(nil)
	t.Cleanup(func() { _ = pub.Close() })
	if err := pub.Dial(sub.Bound().Subscribe[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, sub, "a publisher", func() bool { return sub.Publishers() == 1 })
	long := strings.Repeat("t", 256)
	for _, frames := range [][]string{{long, "x"}, {"t1", "x"}, {long, "x"}, {long, string(fakeEnvelope(38)), "x"}, {"t2", "x"}} {
		if err := pub.Send(zmq4.NewMsgFromString(frames)); err != nil {
			t.Fatal(err)
		}
	}
	want(t, sub, message("t1", "x")) // one by one, so that a long one is all there is
	want(t, sub, message("t2", "x"))
	if s := sub.Stats(); s.Received != 2 || s.Dropped != 3 {
		t.Errorf("%+v", s)
	}
}

func TestBadMessages(t *testing.T) {
	t.Parallel()
	pub := open(t, &zmq.Options{Publish: zmq.Bind(anyPort), MaxMessageSize: 1000})
	sub := rawSub(t, pub)
	for name, m := range map[string]*transport.Message{
		"zmq: length of topic is 256, allowed is 255 bytes or less": message(strings.Repeat("t", 256), "x"),
		"zmq: number of payload parts is 0, allowed is 1 or more":   message("a"),
		"socket: message with size 1001, the limit is 1000":         message("a", strings.Repeat("x", 962)),
		"socket: message with frames 1025, the limit is 1024":       message("a", make([]string, 1023)...),
	} {
		if err := pub.Publish(m); err == nil || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
	if err := pub.Subscribe(strings.Repeat("t", 256)); err == nil || !strings.Contains(err.Error(), "length of prefix is 256") {
		t.Error(err)
	}
	publish(t, pub, message("a", strings.Repeat("x", 961)))
	if m, err := sub.RecvContext(patient(t)); err != nil || len(m.Frames[2]) != 961 {
		t.Errorf("%v, %v", m, err)
	}
	var big *socket.MessageError
	if err := pub.Publish(message("a", strings.Repeat("x", 962))); !errors.As(err, &big) {
		t.Errorf("%T", err)
	}
}

// Of an owned message the payload alone is kept: topic and envelope may be reused at once, whatever their size.
func TestOwnedEnvelopeIsCopied(t *testing.T) {
	t.Parallel()
	pub, sub := pair(t, anyPort, "")
	const messages = 200
	envelope := fakeEnvelope(20_000)
	for i := range messages {
		envelope[len(envelope)-1] = byte(i)
		publish(t, pub, &transport.Message{Topic: "a", Envelope: envelope, Payload: [][]byte{{byte(i)}}, Owned: true})
	}
	for i, m := range receive(t, sub, messages) {
		if got := m.Envelope[len(m.Envelope)-1]; got != byte(i) || m.Payload[0][0] != byte(i) {
			t.Fatalf("message %d has the envelope of %d", i, got)
		}
	}
}
