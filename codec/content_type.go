package codec

import (
	"fmt"
	"mime"
	"slices"
	"strings"
)

// chooser is a codec that accepts more than the content type that it encodes.
type chooser interface {
	choose(contentType string) Codec
}

// Choose returns the codec that decodes events of a content type where c is asked to: c itself, or one of those that it was made from by [Any]
// or [As]. It is nil when that content type is not accepted. [Raw] accepts every one, [String] every one that does not name another charset than
// UTF-8, and the others their own, with any parameters but another charset. All accept what says nothing: "" and application/octet-stream.
func Choose(c Codec, contentType string) Codec {
	if chooses, ok := c.(chooser); ok {
		return chooses.choose(contentType)
	}
	if same(contentType, c.ContentType()) {
		return c
	}
	return nil
}

// unknown is the content type of bytes of which nothing is known.
const unknown = "application/octet-stream"

// same reports whether what has the content type got can be decoded as want.
func same(got, want string) bool { return got == "" || got == unknown || equal(got, want) }

// equal reports whether two content types are the same but for parameters that do not matter.
func equal(got, want string) bool {
	if got == want {
		return true
	}
	gotType, gotParameters, gotErr := mime.ParseMediaType(got)
	wantType, wantParameters, wantErr := mime.ParseMediaType(want)
	return gotErr == nil && wantErr == nil && gotType == wantType && sameCharset(gotParameters, wantParameters["charset"])
}

// sameCharset reports whether parameters of a media type do not name another charset than want. UTF-8 has a second name, which is common.
func sameCharset(parameters map[string]string, want string) bool {
	got := parameters["charset"]
	return got == "" || want == "" || strings.EqualFold(got, want) || want == "utf-8" && strings.EqualFold(got, "utf8")
}

// ContentTypeError says that an event has a content type that its subscriber does not accept.
type ContentTypeError struct {
	Got    string
	Accept []string // what is accepted
}

// Error names both.
func (e *ContentTypeError) Error() string {
	return fmt.Sprintf("its content type is %.128q, accepted is %s", e.Got, strings.Join(e.Accept, ", "))
}

// Accepted returns the content types that are decoded where c is asked to, for errors; "*/*" stands for all.
func Accepted(c Codec) []string {
	switch c := c.(type) {
	case anyCodec:
		var all []string
		for _, one := range c.all {
			all = append(all, Accepted(one)...)
		}
		return slices.Compact(all)
	case renamed:
		return append([]string{c.contentType}, Accepted(c.Codec)...)
	case rawCodec:
		return []string{"*/*"}
	case stringCodec:
		return []string{"*/*; charset=utf-8"}
	}
	return []string{c.ContentType()}
}
