package codec_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/multipart"
)

// TestFramesOf checks that what encodes in frames does so by whatever names it goes.
func TestFramesOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		codec codec.Codec
		want  codec.Frames
	}{
		"itself":              {multipart.Codec, multipart.Codec},
		"renamed":             {codec.As("a/b", multipart.Codec), multipart.Codec},
		"renamed twice":       {codec.As("a/b", codec.As("c/d", multipart.Codec)), multipart.Codec},
		"the first":           {codec.Any(multipart.Codec, codec.JSON), multipart.Codec},
		"the first, renamed":  {codec.As("a/b", codec.Any(multipart.Codec, codec.JSON)), multipart.Codec},
		"the first of others": {codec.Any(codec.Any(codec.As("a/b", multipart.Codec)), codec.Raw), multipart.Codec},
		"not the first":       {codec.Any(codec.JSON, multipart.Codec), nil},
		"one piece":           {codec.JSON, nil},
	} {
		if got := codec.FramesOf(tc.codec); got != tc.want {
			t.Errorf("%s: frames are made by %T, want %T", name, got, tc.want)
		}
	}
}
