package zmtp

import (
	"encoding/binary"
	"time"
)

// Names of the commands of RFC 23 and RFC 37.
const (
	NameReady     = "READY"
	NameError     = "ERROR"
	NameSubscribe = "SUBSCRIBE"
	NameCancel    = "CANCEL"
	NamePing      = "PING"
	NamePong      = "PONG"
)

// MaxContext is the largest context a PING may carry, in bytes (RFC 37).
const MaxContext = 16

// maxTTL is the largest time to live worth sending: libzmq computes it in milliseconds in 16 bits, so 656 would become 64 ms.
const maxTTL = 655

// ParseCommand splits the body of a command frame into its name and what follows. Both are slices of body.
func ParseCommand(body []byte) (name, rest []byte, err error) {
	if len(body) == 0 {
		return nil, nil, violation("command", "empty")
	}
	n := int(body[0])
	if n == 0 || n >= len(body) {
		return nil, nil, violation("command", "name of %d bytes in a body of %d", n, len(body))
	}
	return body[1 : 1+n], body[1+n:], nil
}

// AppendCommand appends a command frame. The name has 1 to 255 bytes.
func AppendCommand(dst []byte, name string, body []byte) []byte {
	dst = AppendHeader(dst, Command, 1+len(name)+len(body))
	dst = append(dst, byte(len(name)))
	dst = append(dst, name...)
	return append(dst, body...)
}

// AppendSubscribe appends a subscription to prefix in the legacy form, a message of one frame 01 prefix. Every peer understands it;
// the SUBSCRIBE command of RFC 37 is ignored by jeromq, NetMQ and go-zeromq.
func AppendSubscribe(dst, prefix []byte) []byte { return appendLegacy(dst, 1, prefix) }

// AppendCancel appends the end of a subscription in the legacy form, a message of one frame 00 prefix.
func AppendCancel(dst, prefix []byte) []byte { return appendLegacy(dst, 0, prefix) }

func appendLegacy(dst []byte, op byte, prefix []byte) []byte {
	dst = append(AppendHeader(dst, 0, 1+len(prefix)), op)
	return append(dst, prefix...)
}

// ParseSubscription reads the legacy form. ok is false for a message that is not one. prefix is a slice of the message.
func ParseSubscription(message [][]byte) (prefix []byte, subscribe, ok bool) {
	if len(message) != 1 || len(message[0]) == 0 || message[0][0] > 1 {
		return nil, false, false
	}
	return message[0][1:], message[0][0] == 1, true
}

// AppendPing appends a PING with the given time to live, sent in tenths of a second and rounded up. A ttl of zero or less, or over 65.5 s,
// which the receiver cannot represent, is sent as 0: none. context is cut to [MaxContext] bytes.
func AppendPing(dst []byte, ttl time.Duration, context []byte) []byte {
	tenths := (ttl + 100*time.Millisecond - 1) / (100 * time.Millisecond)
	if tenths < 0 || tenths > maxTTL {
		tenths = 0
	}
	context = context[:min(len(context), MaxContext)]
	dst = AppendHeader(dst, Command, 1+len(NamePing)+2+len(context))
	dst = append(dst, byte(len(NamePing)))
	dst = append(dst, NamePing...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(tenths))
	return append(dst, context...)
}

// ParsePing reads what follows the name of a PING. context is a slice of rest, cut to [MaxContext] bytes as libzmq does.
func ParsePing(rest []byte) (ttl time.Duration, context []byte, err error) {
	if len(rest) < 2 {
		return 0, nil, violation("command", "PING of %d bytes, the least is 2", len(rest))
	}
	ttl = time.Duration(binary.BigEndian.Uint16(rest)) * 100 * time.Millisecond
	return ttl, rest[2:min(len(rest), 2+MaxContext)], nil
}

// AppendPong appends the answer to a PING with that context, cut to [MaxContext] bytes.
func AppendPong(dst, context []byte) []byte {
	return AppendCommand(dst, NamePong, context[:min(len(context), MaxContext)])
}
