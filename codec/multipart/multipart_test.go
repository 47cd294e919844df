package multipart_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/multipart"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/codectest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parts is a named type, which the codec takes like the type it is made of.
type parts [][]byte

var five = parts{[]byte("one"), {}, []byte("three"), []byte("\x00\xff"), []byte("five")}

func TestFrames(t *testing.T) {
	t.Parallel()
	head := [][]byte{[]byte("head")}
	got, err := multipart.Codec.AppendFrames(head, &five)
	if err != nil || !equal(got, slices.Concat(head, five)) {
		t.Errorf("%q, %v", got, err)
	}
	var decoded parts
	if err := multipart.Codec.DecodeFrames(five, &decoded); err != nil || !equal(decoded, five) {
		t.Errorf("%q, %v", decoded, err)
	}
	if cap(decoded[0]) != len(decoded[0]) {
		t.Error("appending to a frame would write behind it")
	}
}

// TestOnePiece checks what becomes of frames where there is only one piece: they are behind each other, and decoded as one.
func TestOnePiece(t *testing.T) {
	t.Parallel()
	codectest.Run(t, multipart.Codec, codectest.Cases{
		Name: "multipart",
		Values: map[string]codectest.Value{
			"five":  {Value: &five, Encoded: []byte("onethree\x00\xfffive"), Decoded: &parts{[]byte("onethree\x00\xfffive")}},
			"one":   {Value: &[][]byte{[]byte("piece")}, Encoded: []byte("piece")},
			"empty": {Value: &parts{{}}, Encoded: []byte{}},
		},
		Refused:     map[string]codectest.Refused{"no frames": {Value: &parts{}, Error: multipart.ErrNoFrames.Error()}},
		WrongTypes:  wrongTypes,
		Equal:       func(got, want any) bool { return fmt.Sprintf("%q", got) == fmt.Sprintf("%q", want) }, // no bytes may be nil or empty
		ShareMemory: true, PrefixesDecode: true, LongerDecode: true,
	})
}

var wrongTypes = map[string]any{
	"nil": nil, "nil pointer": (*[][]byte)(nil), "nil named": (*parts)(nil), "no pointer": [][]byte{}, "strings": &[]string{"a"},
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dst := [][]byte{[]byte("head")}
	for name, v := range wrongTypes {
		got, err := multipart.Codec.AppendFrames(dst, v)
		var wrong *codec.TypeError
		if !errors.As(err, &wrong) || !equal(got, dst) {
			t.Errorf("%s: AppendFrames = %q, %v", name, got, err)
		}
	}
	if got, err := multipart.Codec.AppendFrames(dst, &parts{}); !errors.Is(err, multipart.ErrNoFrames) || !equal(got, dst) {
		t.Errorf("no frames: %q, %v", got, err)
	}
	if _, err := multipart.Codec.Append(nil, &parts{}); !errors.Is(err, multipart.ErrNoFrames) {
		t.Errorf("no frames in one piece: %v", err)
	}
}

func equal[T ~[][]byte](a T, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// pair returns two buses, of which the first publishes, serves and pushes, connected over tcp.
func pair(t *testing.T) (first, second *bus.Bus) {
	t.Helper()
	here, err := zmq.New(&zmq.Options{Publish: zmq.Bind("tcp://127.0.0.1:0"), Serve: zmq.Bind("tcp://127.0.0.1:0"), Push: zmq.Bind("tcp://127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	at := here.Bound()
	there, err := zmq.New(&zmq.Options{
		Subscribe: zmq.Connect(at.Publish...), Request: zmq.Connect(at.Serve...), Pull: zmq.Connect(at.Push...),
	})
	if err != nil {
		t.Fatal(err)
	}
	return bustest.New(t, &bus.Options{Transport: here}), bustest.New(t, &bus.Options{Transport: there})
}

// TestFramesArrive checks that frames stay as they are on every way there is: as an event on the same bus and on another one, as a request and its reply,
// and as a task.
func TestFramesArrive(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	quotes := topic.New[parts]("quotes").WithCodec(multipart.Codec)

	near := bustest.Record(t, here, topic.New[[][]byte]("quotes").WithCodec(multipart.Codec)) // of another type
	far := bustest.Record(t, there, quotes)
	if err := far.Subscription().Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	pub, err := publisher.New(here, quotes, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(t.Context(), five); err != nil {
		t.Fatal(err)
	}
	if got := near.Wait(1)[0].Value; !equal(got, five) {
		t.Errorf("on the same bus: %q", got)
	}
	if got := far.Wait(1)[0].Value; !equal(got, five) {
		t.Errorf("on another bus: %q", got)
	}

	reverse := request.NewCall[parts, parts]("reverse").WithCodec(multipart.Codec)
	handler := func(_ context.Context, p parts) (parts, error) {
		reversed := slices.Clone(p)
		slices.Reverse(reversed)
		return reversed, nil
	}
	if _, err := request.Serve(here, reverse, handler, nil); err != nil {
		t.Fatal(err)
	}
	client, err := request.NewClient(there, reverse, nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := client.Do(t.Context(), five)
	slices.Reverse(reply)
	if err != nil || !equal(reply, five) {
		t.Errorf("the reply is %q, %v", reply, err)
	}

	store := pipeline.NewTask[parts]("store").WithCodec(multipart.Codec)
	stored := make(chan parts, 1)
	if _, err := pipeline.NewWorker(there, store, func(_ context.Context, p parts) error { stored <- p; return nil }, nil); err != nil {
		t.Fatal(err)
	}
	producer, err := pipeline.NewProducer(here, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := producer.Send(t.Context(), five); err != nil {
		t.Fatal(err)
	}
	if err := producer.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-stored; !equal(got, five) {
		t.Errorf("the task is %q", got)
	}
	if err := producer.Send(t.Context(), parts{}); !errors.Is(err, multipart.ErrNoFrames) {
		t.Errorf("a task without frames: %v", err)
	}
}

// TestFramesAmongOthers has a subscriber that accepts frames beside something else, which it expects in the first place.
func TestFramesAmongOthers(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	far := bustest.Record(t, there, topic.New[parts]("quotes").WithCodec(codec.Any(codec.JSON, multipart.Codec)))
	if err := far.Subscription().Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []codec.Codec{multipart.Codec, codec.JSON} {
		pub, err := publisher.New(here, topic.New[parts]("quotes").WithCodec(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(t.Context(), five); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range far.Wait(2) {
		if !equal(e.Value, five) {
			t.Errorf("event %d is %q", i, e.Value)
		}
	}
}

// TestMiddlewareSeesOnePiece checks that a chain may look at the payload, and leaves the frames alone.
func TestMiddlewareSeesOnePiece(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	seen := make(chan string, 2)
	look := bus.Wrap("look", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			payload, err := m.Payload()
			seen <- fmt.Sprintf("%s, %v", payload, err)
			return errors.Join(err, next(ctx, m))
		}
	})
	quotes := topic.New[parts]("quotes").WithCodec(multipart.Codec)
	got := make(chan parts, 1)
	sub, err := subscriber.New(there, quotes, func(_ context.Context, e topic.Event[parts]) error { got <- e.Value; return nil }, &subscriber.Options{Middleware: []bus.Middleware{look}})
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	pub, err := publisher.New(here, quotes, &publisher.Options{Middleware: []bus.Middleware{look}})
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(t.Context(), five); err != nil {
		t.Fatal(err)
	}
	if value := <-got; !equal(value, five) {
		t.Errorf("got %q", value)
	}
	for range 2 {
		if s := <-seen; s != "onethree\x00\xfffive, <nil>" {
			t.Errorf("seen %q", s)
		}
	}
}

// FuzzDecode checks that whatever arrives comes out again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("one"), []byte{}, 2)
	f.Fuzz(func(t *testing.T, a, b []byte, n int) {
		frames := slices.Repeat([][]byte{a, b}, 1+(n&7))
		var decoded parts
		if err := multipart.Codec.DecodeFrames(frames, &decoded); err != nil {
			t.Fatal(err)
		}
		again, err := multipart.Codec.AppendFrames(nil, &decoded)
		if err != nil || !equal(again, frames) {
			t.Errorf("%q became %q, %v", frames, again, err)
		}
	})
}
