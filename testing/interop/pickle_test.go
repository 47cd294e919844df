package interop_test

import (
	"math/big"
	"reflect"
	"testing"

	"github.com/fanfare-go/fanfare/codec/pickle"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// object is what the peer sends, as a type of a program.
type object struct {
	ID     int             `pickle:"id"`
	Name   string          `pickle:"name"`
	Raw    []byte          `pickle:"raw"`
	Long   *big.Int        `pickle:"long"`
	Shared [][]int         `pickle:"shared"`
	Nested map[string]any  `pickle:"nested"`
	Flags  []bool          `pickle:"flags"`
	Note   map[string]bool `pickle:"none"`
}

// Objects go between send_pyobj and recv_pyobj and programs of ours.
func TestPythonObjects(t *testing.T) {
	t.Parallel()
	there, here := interop.IPC(t), interop.IPC(t)
	python := interop.Python(t, "objects.py", there, here)
	python.Ready()
	b, _ := join(t, zmq.Options{Subscribe: zmq.Connect(there), Publish: zmq.Connect(here), Plain: true})

	_, natural := collect(t, b, topic.New[any]("objects").WithCodec(pickle.Codec))
	_, typed := collect(t, b, topic.New[object]("objects").WithCodec(pickle.Codec))
	long := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 70))
	wantNatural := []any{
		map[string]any{"id": int64(1), "name": "Größe", "ratio": 0.5, "raw": []byte{0, 255}, "none": nil, "flags": []any{true, false}, "long": long},
		map[string]any{
			"id": int64(2), "shared": []any{[]any{int64(1), int64(2)}, []any{int64(1), int64(2)}},
			"nested": map[string]any{"a": map[string]any{"b": []any{map[string]any{}}}},
		},
	}
	wantTyped := []object{
		{ID: 1, Name: "Größe", Raw: []byte{0, 255}, Long: long, Flags: []bool{true, false}},
		{ID: 2, Shared: [][]int{{1, 2}, {1, 2}}, Nested: map[string]any{"a": map[string]any{"b": []any{map[string]any{}}}}},
	}
	for range 4 { // they come in turns, from any of them on
		o := interop.Next(t, typed).Value
		if (o.ID != 1 && o.ID != 2) || !reflect.DeepEqual(o, wantTyped[o.ID-1]) {
			t.Errorf("received %+v", o)
		}
		n := interop.Next(t, natural).Value
		if !reflect.DeepEqual(n, wantNatural[0]) && !reflect.DeepEqual(n, wantNatural[1]) {
			t.Errorf("received %#v", n)
		}
	}

	pub := newPublisher(t, b, topic.New[object]("answers").WithCodec(pickle.Codec), 1)
	send(t, pub, object{ID: 3, Name: "Größe", Raw: []byte("\x00a"), Long: long, Shared: [][]int{{1}, nil}, Flags: []bool{true}})
	want := `answers {'id': 3, 'name': 'Gr\xf6\xdfe', 'raw': b'\x00a', 'long': -1180591620717411303424, ` +
		`'shared': [[1], None], 'nested': None, 'flags': [True], 'none': None}`
	if got := python.Line(); got != want {
		t.Errorf("Python received %s, want %s", got, want)
	}
}
