package text

import (
	"encoding/binary"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// lookup returns the MIME name in lower case and the scheme of an encoding, nil when there is none of that name.
func lookup(name string) (charset string, s scheme) {
	name = strings.ToLower(name)
	switch name {
	case "utf-8", "utf8":
		return "utf-8", unicode8{}
	case "utf-16", "utf16":
		return "utf-16", unicode16{binary.LittleEndian, true}
	case "utf-16le":
		return name, unicode16{binary.LittleEndian, false}
	case "utf-16be":
		return name, unicode16{binary.BigEndian, false}
	case "latin-1":
		name = "iso-8859-1"
	case "ascii": // windows-1252 to the WHATWG
		name = "us-ascii"
	}
	// Of these spellings, which the IANA does not have, the WHATWG gives some to encodings of Windows.
	if part, ok := strings.CutPrefix(name, "iso8859"); ok {
		name = "iso-8859-" + strings.TrimPrefix(part, "-")
	}
	e := find(name)
	if e == nil || e == encoding.Replacement {
		return "", nil
	}
	charset, err := ianaindex.MIME.Name(e)
	if err != nil {
		charset, err = htmlindex.Name(e)
	}
	if err != nil {
		return "", nil
	}
	charset = strings.ToLower(charset)
	switch charset {
	case "utf-8", "utf-16", "utf-16le", "utf-16be": // by another of their names
		return lookup(charset)
	}
	return charset, newTable(e, charset)
}

// find returns the encoding of a name in lower case, nil when there is none. The IANA index knows some names without their encoding.
func find(name string) encoding.Encoding {
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		return e
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil
	}
	return e
}
