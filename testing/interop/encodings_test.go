package interop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/multipart"
	"github.com/fanfare-go/fanfare/codec/pickle"
	encoding "github.com/fanfare-go/fanfare/codec/text"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Values that pyzmq sends by send_json, send_string, send_pyobj and send_multipart arrive as values of Go types, and what we send is what
// its recv_json, recv_string, recv_pyobj and recv_multipart return: as events, requests, replies and tasks.
func TestPyzmqEncodings(t *testing.T) {
	t.Parallel()
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		value := map[string]any{"id": 42.0, "lines": []any{"größer", nil, true, -1.5}}
		talk(t, "json", codec.JSON, value, `{"id": 42, "lines": ["größer", None, True, -1.5]}`)
	})
	t.Run("string utf-8", func(t *testing.T) {
		t.Parallel()
		talk(t, "string utf-8", codec.String, "größer, 订单", `"größer, 订单"`)
	})
	t.Run("string gbk", func(t *testing.T) {
		t.Parallel()
		talk(t, "string gbk", encoding.Must("gbk"), "订单 42", `"订单 42"`)
	})
	t.Run("string utf-16", func(t *testing.T) {
		t.Parallel()
		talk(t, "string utf-16", encoding.Must("utf-16"), "größer 😀", `"größer 😀"`)
	})
	t.Run("pyobj", func(t *testing.T) {
		t.Parallel()
		value := map[string]any{
			"int": int64(-42), "float": 0.5, "bytes": []byte("\x00\xff"), "str": "größer", "none": nil,
			"list": []any{int64(1), []any{true, map[string]any{}}, map[string]any{"a": []any{}}},
		}
		literal := `{"int": -42, "float": 0.5, "bytes": b"\0\xff", "str": "größer", "none": None, "list": [1, [True, {}], {"a": []}]}`
		talk[any](t, "pyobj", pickle.Codec, value, literal)
	})
	t.Run("odd pyobj", func(t *testing.T) {
		t.Parallel()
		value := map[any]any{
			int64(1): "one", -0.5: nil, false: []byte{}, "": new(big.Int).Lsh(big.NewInt(1), 64), int64(-7): math.Inf(-1),
			"long": strings.Repeat("ü", 500_000), "least": int64(math.MinInt64),
		}
		literal := `{1: "one", -0.5: None, False: b"", "": 1 << 64, -7: -float("inf"), "long": "ü" * 500000, "least": -(1 << 63)}`
		talk[any](t, "pyobj", pickle.Codec, value, literal)
	})
	t.Run("multipart", func(t *testing.T) {
		t.Parallel()
		value := [][]byte{[]byte("one"), {}, []byte("\x00\xff"), []byte("four"), bytes.Repeat([]byte("five"), 10_000)}
		talk(t, "multipart", multipart.Codec, value, `[b"one", b"", b"\0\xff", b"four", b"five" * 10000]`)
	})
}

// conversation is what one value is exchanged in.
type conversation[T any] struct {
	form, literal string
	codec         codec.Codec
	value         T
}

// talk exchanges a value with Python in all patterns and both directions. literal is the value as Python writes it.
func talk[T any](t *testing.T, form string, c codec.Codec, value T, literal string) {
	t.Helper()
	v := &conversation[T]{form, literal, c, value}
	for name, test := range map[string]func(*testing.T){
		"subscribe": v.subscribe, "publish": v.publish, "pull": v.pull, "push": v.push, "reply": v.reply, "request": v.request,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// python starts a peer of a socket type.
func (v *conversation[T]) python(t *testing.T, socket, how, endpoint string) *interop.Process {
	t.Helper()
	return interop.Python(t, "talk.py", socket, how, endpoint, v.form, v.literal)
}

// check checks a value that came from Python.
func (v *conversation[T]) check(t *testing.T, got T) {
	t.Helper()
	if !reflect.DeepEqual(got, v.value) {
		t.Errorf("got  %.300q\nwant %.300q", fmt.Sprint(got), fmt.Sprint(v.value))
	}
}

// same checks what Python says of the value that it got.
func (v *conversation[T]) same(t *testing.T, python *interop.Process) {
	t.Helper()
	if line := python.Line(); line != "same" {
		t.Errorf("Python got %.300s, want %.300s", line, v.literal)
	}
}

func (v *conversation[T]) subscribe(t *testing.T) {
	at := interop.IPC(t)
	b, _ := join(t, zmq.Options{Subscribe: zmq.Connect(at)})
	_, events := collect(t, b, topic.New[T]("talk").WithCodec(v.codec))
	v.python(t, "XPUB", "bind", at).Ready()
	v.check(t, interop.Next(t, events).Value)
}

func (v *conversation[T]) publish(t *testing.T) {
	b, tr := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort)})
	python := v.python(t, "SUB", "connect", tr.Bound().Publish[0])
	python.Ready()
	pub, err := publisher.New(b, topic.New[T]("talk").WithCodec(v.codec), &publisher.Options{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(interop.Patient(t), 1); err != nil {
		t.Fatal(err)
	}
	send(t, pub, v.value)
	v.same(t, python)
}

func (v *conversation[T]) pull(t *testing.T) {
	b, tr := join(t, zmq.Options{Pull: zmq.Bind(interop.AnyPort)})
	done := make(chan T, 1)
	worker := func(_ context.Context, value T) error { done <- value; return nil }
	if _, err := pipeline.NewWorker(b, pipeline.NewTask[T]("talk").WithCodec(v.codec), worker, &pipeline.Options{Default: true}); err != nil {
		t.Fatal(err)
	}
	v.python(t, "PUSH", "connect", tr.Bound().Pull[0]).Ready()
	v.check(t, interop.Next(t, done))
}

func (v *conversation[T]) push(t *testing.T) {
	b, tr := join(t, zmq.Options{Push: zmq.Bind(interop.AnyPort)})
	p, err := pipeline.NewProducer(b, pipeline.NewTask[T]("talk").WithCodec(v.codec), &pipeline.ProducerOptions{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Send(interop.Patient(t), v.value); err != nil {
		t.Fatal(err)
	}
	python := v.python(t, "PULL", "connect", tr.Bound().Push[0])
	python.Ready()
	v.same(t, python)
}

// call is the call that both sides of a request have.
func (v *conversation[T]) call() request.Call[T, T] {
	return request.NewCall[T, T]("talk").WithCodec(v.codec)
}

func (v *conversation[T]) reply(t *testing.T) {
	b, tr := join(t, zmq.Options{Serve: zmq.Bind(interop.AnyPort)})
	asked := make(chan T, 1)
	handler := func(_ context.Context, value T) (T, error) {
		asked <- value
		return value, nil
	}
	if _, err := request.Serve(b, v.call(), handler, &request.ServeOptions{Default: true}); err != nil {
		t.Fatal(err)
	}
	python := v.python(t, "REQ", "connect", tr.Bound().Serve[0])
	python.Ready()
	v.check(t, interop.Next(t, asked))
	v.same(t, python)
}

func (v *conversation[T]) request(t *testing.T) {
	python := v.python(t, "REP", "bind", interop.AnyPort)
	b, _ := join(t, zmq.Options{Request: zmq.Connect(python.Ready()...)})
	client, err := request.NewClient(b, v.call(), nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := client.Do(interop.Patient(t), v.value)
	if err != nil {
		t.Fatal(err)
	}
	v.check(t, reply)
	v.same(t, python)
}

// What does not decode is a DecodeError that says where: Python sends GBK to who expects UTF-8.
func TestPyzmqMismatch(t *testing.T) {
	t.Parallel()
	python := interop.Python(t, "talk.py", "REP", "bind", interop.AnyPort, "string gbk", `"42 订单"`)
	b, _ := join(t, zmq.Options{Request: zmq.Connect(python.Ready()...)})
	call := request.NewCall[string, string]("talk").WithCodec(codec.String)
	client, err := request.NewClient(b, call, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Do(interop.Patient(t), "42")
	var undecoded *bus.DecodeError
	if !errors.As(err, &undecoded) || undecoded.Topic != "talk" || undecoded.Type != "string" || undecoded.ContentType != "text/plain; charset=utf-8" || undecoded.Offset != 3 {
		t.Errorf("Do returned %v", err)
	}
}
