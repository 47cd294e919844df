package codec

// Codec encodes and decodes the values of a topic.
//
// A codec is not tied to one Go type: in both directions v is a *T that is not nil, where T is the type of the topic. So a codec
// may look at the type once and need not copy the value. Asked for a T it cannot handle, it returns a [*TypeError] or an error of
// the format's own library.
//
// All methods may be called from many goroutines at once.
//
// Package testing/codectest checks a codec against this contract, sentence by sentence: use it in the tests of your own.
type Codec interface {
	// Append appends the encoding of the T that v points to to dst and returns the extended slice. It changes neither the value
	// nor the bytes that dst holds already, and keeps neither v nor dst.
	//
	// After an error the returned slice is dst, with nothing appended. An encoding may be empty.
	Append(dst []byte, v any) ([]byte, error)

	// Decode decodes src, which is exactly one encoding, into the T that v points to. That T is its zero value when Decode is
	// called. Bytes left over are an error. src comes from other programs: no content may make Decode panic, loop or allocate
	// out of proportion to its length.
	//
	// Decode does not change src, keeps neither v nor src, and stores no part of src in the value, unless the codec documents
	// that the value shares memory with src, as [Raw] does. Such sharing is safe on a bus: the bytes of a received payload are
	// never used again for another event, and handlers treat a value as read-only.
	//
	// After an error the T may hold anything and is not used.
	Decode(src []byte, v any) error

	// ContentType returns the media type of the encoding, such as "application/json", always the same. Other programs see it in
	// the property content-type of an event.
	ContentType() string
}
