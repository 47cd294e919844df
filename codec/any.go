package codec

import (
	"fmt"
	"mime"
	"slices"
	"strings"
)

// Any returns a codec that encodes as first does, and decodes what any of the given codecs decodes: which of them is for an event tells its
// content type. That of a codec itself comes before what others accept as well, such as [String] and [Raw]; of several that are for it the
// first counts. An event without a content type, as plain peers send it, is decoded by first.
//
//	Orders.WithCodec(codec.Any(cbor.Codec, codec.JSON)) // for topics that are on their way from JSON to CBOR
func Any(first Codec, others ...Codec) Codec {
	return anyCodec{first, append([]Codec{first}, others...)}
}

type anyCodec struct {
	Codec // the first
	all   []Codec
}

func (a anyCodec) choose(contentType string) Codec {
	if i := slices.IndexFunc(a.all, func(c Codec) bool { return names(c, contentType) }); i >= 0 {
		return Choose(a.all[i], contentType)
	}
	for _, c := range a.all {
		if chosen := Choose(c, contentType); chosen != nil {
			return chosen
		}
	}
	return nil
}

// As returns c with another content type, for encodings that go by several names, such as "text/json" or "application/geo+json". Both are accepted.
func As(contentType string, c Codec) Codec { return renamed{c, contentType} }

type renamed struct {
	Codec
	contentType string
}

// ContentType returns the name that was given.
func (r renamed) ContentType() string { return r.contentType }

func (r renamed) choose(contentType string) Codec {
	if same(contentType, r.contentType) {
		return Choose(r.Codec, r.Codec.ContentType()) // whatever it is made from
	}
	return Choose(r.Codec, contentType)
}

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

// names reports whether a content type is that of c, or of one of those that it was made from.
func names(c Codec, contentType string) bool {
	switch c := c.(type) {
	case anyCodec:
		return slices.ContainsFunc(c.all, func(one Codec) bool { return names(one, contentType) })
	case renamed:
		return equal(contentType, c.contentType) || names(c.Codec, contentType)
	}
	return equal(contentType, c.ContentType())
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
