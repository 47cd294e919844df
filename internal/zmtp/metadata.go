package zmtp

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
)

// Names of the properties that ZMTP itself defines, as [ParseMetadata] returns them.
const (
	propertyType     = "socket-type"
	propertyIdentity = "identity"
)

// Limits of metadata, in both directions.
const (
	MaxProperties    = 64       // properties of one READY
	MaxMetadataBytes = 32 << 10 // all properties together, encoded
)

// AppendMetadata appends properties as READY carries them, sorted by name: name length (1), name, value length (4), value. A name has 1 to
// 255 letters, digits, '-', '_', '.' and '+' (RFC 23); names that differ only in case are the same name, an error.
func AppendMetadata(dst []byte, properties map[string]string) ([]byte, error) {
	if len(properties) > MaxProperties {
		return nil, violation("metadata", "%d properties, the limit is %d", len(properties), MaxProperties)
	}
	start, seen := len(dst), make(map[string]bool, len(properties))
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if err := checkName(name); err != nil {
			return nil, err
		}
		if lower := strings.ToLower(name); seen[lower] {
			return nil, violation("metadata", "property %q twice", name)
		} else {
			seen[lower] = true
		}
		dst = appendProperty(dst, name, properties[name])
	}
	if n := len(dst) - start; n > MaxMetadataBytes {
		return nil, violation("metadata", "%d bytes, the limit is %d", n, MaxMetadataBytes)
	}
	return dst, nil
}

func appendProperty(dst []byte, name, value string) []byte {
	dst = append(dst, byte(len(name)))
	dst = append(dst, name...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}

func checkName(name string) error {
	if len(name) == 0 || len(name) > 255 {
		return violation("metadata", "property name of %d bytes, allowed are 1 to 255", len(name))
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.+", c) >= 0:
		default:
			return violation("metadata", "property name %q has the byte %#02x", name, c)
		}
	}
	return nil
}

// ParseMetadata reads the properties of a READY. Names compare without regard to case and are returned in lower case; of
// several with one name the last wins. Data that does not end with a property is a [*ProtocolError].
func ParseMetadata(b []byte) (map[string]string, error) {
	if len(b) > MaxMetadataBytes {
		return nil, violation("metadata", "%d bytes, the limit is %d", len(b), MaxMetadataBytes)
	}
	properties := make(map[string]string)
	for count := 0; len(b) > 0; count++ {
		if count == MaxProperties {
			return nil, violation("metadata", "more than %d properties", MaxProperties)
		}
		n := int(b[0])
		if n == 0 || len(b) < 1+n+4 {
			return nil, violation("metadata", "property name of %d bytes, and %d bytes are left", n, len(b)-1)
		}
		name := strings.ToLower(string(b[1 : 1+n]))
		size := binary.BigEndian.Uint32(b[1+n:])
		b = b[1+n+4:]
		if uint64(size) > uint64(len(b)) {
			return nil, violation("metadata", "property %q of %d bytes, and %d bytes are left", name, size, len(b))
		}
		properties[name], b = string(b[:size]), b[size:]
	}
	return properties, nil
}
