package msgpack

import (
	"errors"
	"io"
)

var errExtension = errors.New("the data of an extension is not read as items")

// reader gives the library the bytes of src, which check has found good, and knows the item that it is in.
//
// It also keeps the library to the items that check has seen. Where T has a map and src an extension, the library takes the data of
// the extension for the head of a map, which check knows nothing of: its length could be any, and its nesting too. What tells the
// two apart is that data is read with Read, and a head with ReadByte.
type reader struct {
	src []byte
	at  int

	begin, body, end int // of the item: where its head, its data and the next item begin
	ext              bool
}

// ReadByte begins the next item where one ends.
func (r *reader) ReadByte() (byte, error) {
	switch {
	case r.at == len(r.src):
		return 0, io.EOF
	case r.at == r.end:
		h, err := readHead(r.src, r.at)
		if err != nil {
			return 0, err
		}
		r.begin, r.body, r.ext = r.at, r.at+h.size, h.ext
		r.end = r.body + int(h.data)
	case r.ext && r.at >= r.body:
		return 0, errExtension
	}
	r.at++
	return r.src[r.at-1], nil
}

// UnreadByte takes back the last ReadByte.
func (r *reader) UnreadByte() error {
	r.at--
	return nil
}

// Read does not go beyond the item.
func (r *reader) Read(p []byte) (int, error) {
	if r.at == r.end && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, r.src[r.at:r.end])
	r.at += n
	return n, nil
}
