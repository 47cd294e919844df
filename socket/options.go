package socket

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// Options configures a socket. nil is the same as the zero value: all defaults. It is copied when the socket is made.
type Options struct {
	// SendHWM is how many messages may be queued for one peer and not yet written. 0: 1000. Negative: no limit.
	SendHWM int
	// ReceiveHWM is how many messages of one peer may wait for Recv. 0: 1000. Negative: no limit.
	ReceiveHWM int
	// MaxMessageSize is the largest message, all frames together, in bytes, sent or received. 0: 64 MiB.
	MaxMessageSize int
	// MaxFrames is the most frames of one message, sent or received. 0: 1024.
	MaxFrames int

	// HandshakeTimeout bounds one attempt to connect, and one handshake. 0: 10 s.
	HandshakeTimeout time.Duration
	// MaxHandshakes is how many handshakes a listener runs at once; connections beyond are closed and counted. 0: 256.
	MaxHandshakes int

	// ReconnectInterval is the first wait before a lost or failed dialled connection is tried again. It doubles up to
	// ReconnectMax, and each wait is shortened at random by up to half. 0: 100 ms.
	ReconnectInterval time.Duration
	// ReconnectMax is the longest wait. 0: 5 s.
	ReconnectMax time.Duration

	// HeartbeatInterval is how often peers that understand it get a PING. 0: 5 s. Negative: never, and silence ends no connection.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout is how long such a peer may be silent; at least two intervals, and rounded up to whole ones. 0: 15 s. Up to 65.5 s it is
	// also the time to live in our PING. TCP keepalive probes other peers after the same time.
	HeartbeatTimeout time.Duration

	// HeartbeatTTL is the time to live in our PINGs: how long the peer waits for another byte, up to 65.5 s. 0: HeartbeatTimeout. Negative: none.
	HeartbeatTTL time.Duration

	// Identity is the routing ID by which a ROUTER knows this socket, up to 255 bytes. Empty: the ROUTER chooses one.
	Identity string
	// Immediate makes PUSH, DEALER, REQ and PAIR send only to peers that are connected. Otherwise up to SendHWM messages wait for each dialled
	// endpoint without a connection.
	Immediate bool
	// Conflate keeps only the newest message in each queue of PUB, SUB, PUSH, PULL and DEALER, of however many frames. It overrides the marks.
	Conflate bool
	// Mandatory makes a ROUTER return an error for a message that it cannot queue, instead of dropping it.
	Mandatory bool
	// NoDrop makes PUB and XPUB return [ErrFull], and send to nobody, when the queue of a peer that wants the message is full.
	NoDrop bool
	// Verbose makes XPUB receive every subscription, also those to prefixes that another peer has already.
	Verbose bool
	// Relaxed makes a REQ take the next request before the reply to the last one, which is then not waited for. Use it with Correlate.
	Relaxed bool
	// Correlate makes a REQ begin each request with a number that the reply must repeat, as every REP does.
	Correlate bool

	// EventBuffer is how many events wait in Events; those beyond are counted. 0: 256.
	EventBuffer int
	// Metadata is sent to every peer in the handshake. Names must begin with "X-"; together at most 32 KiB. A bad name is reported by the
	// first Listen or Dial.
	Metadata map[string]string
}

// ownProperty tells sockets of this package from others: version, then capabilities separated by spaces.
const (
	ownProperty = "X-Fanfare"
	ownVersion  = "1"

	maxIdentity = 255 // bytes
)

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	c.Metadata = maps.Clone(c.Metadata)
	c.SendHWM = cmp.Or(c.SendHWM, 1000)
	c.ReceiveHWM = cmp.Or(c.ReceiveHWM, 1000)
	c.HeartbeatInterval = cmp.Or(c.HeartbeatInterval, 5*time.Second)
	c.MaxMessageSize = positive(c.MaxMessageSize, 64<<20)
	c.MaxFrames = positive(c.MaxFrames, 1024)
	c.HandshakeTimeout = positive(c.HandshakeTimeout, zmtp.DefaultTimeout)
	c.MaxHandshakes = positive(c.MaxHandshakes, 256)
	c.ReconnectInterval = positive(c.ReconnectInterval, 100*time.Millisecond)
	c.ReconnectMax = max(positive(c.ReconnectMax, 5*time.Second), c.ReconnectInterval)
	c.HeartbeatTimeout = max(positive(c.HeartbeatTimeout, 15*time.Second), 2*c.HeartbeatInterval)
	c.EventBuffer = positive(c.EventBuffer, 256)
	return c
}

func positive[N int | time.Duration](value, otherwise N) N {
	if value > 0 {
		return value
	}
	return otherwise
}

// ready returns the properties of our READY.
func (o *Options) ready() (map[string]string, error) {
	if len(o.Identity) > maxIdentity {
		return nil, &OptionError{Option: "Identity", Reason: fmt.Sprintf("has %d bytes, the limit is %d", len(o.Identity), maxIdentity)}
	}
	properties := map[string]string{ownProperty: ownVersion}
	for name, value := range o.Metadata {
		if len(name) < 3 || !strings.EqualFold(name[:2], "X-") || strings.EqualFold(name, ownProperty) {
			return nil, &OptionError{Option: "Metadata", Reason: "has the name " + name + "; names begin with X- and are not " + ownProperty}
		}
		properties[name] = value
	}
	if _, err := zmtp.AppendMetadata(nil, properties); err != nil {
		return nil, &OptionError{Option: "Metadata", Reason: err.Error()}
	}
	return properties, nil
}

func (o *Options) limits() zmtp.Limits {
	return zmtp.Limits{MessageBytes: o.MaxMessageSize, Frames: o.MaxFrames, CommandBytes: 64 << 10}
}

// ttl is the time to live for our PINGs: none when no others follow them.
func (o *Options) ttl() time.Duration {
	if o.HeartbeatInterval < 0 || o.HeartbeatTTL < 0 {
		return 0
	}
	return cmp.Or(o.HeartbeatTTL, o.HeartbeatTimeout)
}

// check says whether a message may be sent.
func (o *Options) check(frames [][]byte) error {
	if len(frames) == 0 {
		return &MessageError{Field: "frames", Value: 0, Limit: 1}
	}
	if len(frames) > o.MaxFrames {
		return &MessageError{Field: "frames", Value: len(frames), Limit: o.MaxFrames}
	}
	size := 0
	for _, frame := range frames {
		size += len(frame)
	}
	if size > o.MaxMessageSize {
		return &MessageError{Field: "size", Value: size, Limit: o.MaxMessageSize}
	}
	return nil
}
