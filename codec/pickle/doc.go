// Package pickle has the codec for data exchanged with Python's pickle module, which is what send_pyobj and recv_pyobj of pyzmq use.
//
//	var Orders = topic.New[Order]("orders.created").WithCodec(pickle.Codec)
//
// # Only plain data
//
// A pickle is a program for a small machine, and some of its instructions import a Python module by name and call a function of it.
// So whoever can send a pickle to a Python program can make it do anything. This package has no such instructions: it knows those
// that build None, bool, int, float, str, bytes, list, tuple and dict, and refuses a pickle at the first byte of any other, before
// anything that follows is looked at. Instances of classes, sets, bytearray, NumPy arrays and dates are refused too. On the Python
// side send dicts of plain values, and take pickles only from programs that you trust: recv_pyobj runs what it gets.
//
// Two things that look like plain data are refused. Protocols 0 to 2 have no bytes and make them by a call, so bytes need protocol 3
// or later; send_pyobj uses the highest one. And the str of Python 2 may be text or bytes.
//
// # Types
//
// This is how values are encoded, and what Go types they can be decoded into:
//
//	Python       Go
//	None         nil: pointers, slices, maps, any
//	bool         bool
//	int          all integers if they have the range, big.Int; decoding only: floats
//	float        float64, float32
//	str          string, in UTF-8
//	bytes        []byte and arrays of bytes
//	list         slices, arrays of the same length
//	tuple        decoding only: as list
//	dict         maps with keys of bool, numbers or text; structs
//
// Into an any go nil, bool, int64 or beyond its range *big.Int, float64, string, []byte, []any, and map[string]any, or map[any]any for
// a dict that has a key that is no str.
//
// A struct is a dict of its exported fields, under their names or the key that a tag gives, as in
//
//	Customer string `pickle:"customer"`
//
// and without fields tagged "-". Embedded structs are fields like others. When it is decoded, keys must be equal to the letter; those
// that the struct does not have are ignored, and fields that have no key are zero. None is an error for what cannot be nil.
//
// # Limits
//
// What Python refers to twice is decoded, and encoded, as two equal values; what contains itself is an error. References to
// references can multiply: a pickle may be decoded to 16 values for each of its bytes, and 4096 more, a byte of bytes and a key
// that a struct does not have being one of them. Values nest at most 1000 deep.
package pickle
