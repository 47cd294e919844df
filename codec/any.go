package codec

import "slices"

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
