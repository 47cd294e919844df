package codec

import "fmt"

// FormatError says where an encoding is wrong. It is what the codecs of this module return from Decode where the place is known.
type FormatError struct {
	Offset int64 // of the first byte of src that is wrong, of the end where it is cut short, or behind a value of the wrong type
	Err    error
}

// Error gives the offset and what is wrong.
func (e *FormatError) Error() string { return fmt.Sprintf("at byte %d: %v", e.Offset, e.Err) }

// Unwrap returns what is wrong.
func (e *FormatError) Unwrap() error { return e.Err }
