package codec

// Frames is a codec whose encoding has several parts, which travel as the frames of one message. Where only one piece of bytes is asked for,
// its Append joins them, and its Decode takes src for the one frame that there is.
type Frames interface {
	Codec

	// AppendFrames appends the frames that encode the T that v points to, at least one, to dst. They may share memory with the value. After an
	// error the returned slice is dst.
	AppendFrames(dst [][]byte, v any) ([][]byte, error)

	// DecodeFrames decodes src, which has at least one frame, as Decode does.
	DecodeFrames(src [][]byte, v any) error
}

// FramesOf returns the codec that encodes for c if that makes frames, else nil.
func FramesOf(c Codec) Frames {
	f, _ := Choose(c, c.ContentType()).(Frames)
	return f
}
