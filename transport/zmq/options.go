package zmq

import (
	"time"

	"github.com/fanfare-go/fanfare/socket"
)

// Options configures a transport. nil and the zero value connect it to nobody. It is copied by [New].
type Options struct {
	// Publish is where peers find what the bus publishes. Without endpoints publishing succeeds and leaves the process nowhere.
	Publish Endpoints
	// Subscribe is where what others publish comes from. Without endpoints nothing arrives.
	Subscribe Endpoints
	// Serve is where clients find the calls that this process serves (package request). Without endpoints none comes from outside.
	Serve Endpoints
	// Request is where the servers are that requests go to. Without endpoints they are served in this process alone.
	Request Endpoints
	// Push is where workers in other processes find tasks. Without endpoints tasks stay in the process.
	Push Endpoints
	// Pull is where the tasks of other processes come from. Without endpoints none come.
	Pull Endpoints

	// Plain leaves the envelope out of everything that is published, for peers that are not ours. What is received may have
	// one all the same. Default: false; publisher.Options.Plain chooses for one publisher.
	Plain bool

	// MaxMessageSize is the largest message to send or receive, in bytes, topic and envelope included. A larger one is refused
	// by Publish; a peer that sends one loses its connection. 0: 64 MiB.
	MaxMessageSize int
	// SendHWM is how many messages wait for one peer at most; more are dropped for that peer and counted. 0: 1000. Negative:
	// no limit.
	SendHWM int
	// ReceiveHWM is how many messages of one peer wait for the bus at most; then the peer is held back. 0: 1000. Negative: no
	// limit.
	ReceiveHWM int

	// HeartbeatInterval is how often peers that understand it get a PING. 0: 5 s. Negative: never, and silence ends no
	// connection.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout is how long such a peer may be silent before its connection ends, rounded up to the interval. 0: 15 s.
	HeartbeatTimeout time.Duration

	// ReconnectInterval is the first wait before a lost or failed connection is dialled again. It doubles up to ReconnectMax,
	// and each wait is shortened at random by up to half. 0: 100 ms.
	ReconnectInterval time.Duration
	// ReconnectMax is the longest of these waits. 0: 5 s.
	ReconnectMax time.Duration
}

// check returns a *LimitError for the first option outside its limits.
func (o *Options) check() error {
	switch {
	case o.MaxMessageSize < 0:
		return &LimitError{Field: "Options.MaxMessageSize", Value: o.MaxMessageSize, Limit: "1 or more bytes, or 0 for 64 MiB"}
	case o.HeartbeatTimeout < 0:
		return &LimitError{Field: "Options.HeartbeatTimeout", Value: o.HeartbeatTimeout, Limit: "more than 0, or 0 for 15s"}
	case o.ReconnectInterval < 0:
		return &LimitError{Field: "Options.ReconnectInterval", Value: o.ReconnectInterval, Limit: "more than 0, or 0 for 100ms"}
	case o.ReconnectMax < 0:
		return &LimitError{Field: "Options.ReconnectMax", Value: o.ReconnectMax, Limit: "more than 0, or 0 for 5s"}
	}
	return nil
}

// socket returns the options that the sockets take.
func (o *Options) socket() *socket.Options {
	return &socket.Options{
		SendHWM:           o.SendHWM,
		ReceiveHWM:        o.ReceiveHWM,
		MaxMessageSize:    o.MaxMessageSize,
		HeartbeatInterval: o.HeartbeatInterval,
		HeartbeatTimeout:  o.HeartbeatTimeout,
		ReconnectInterval: o.ReconnectInterval,
		ReconnectMax:      o.ReconnectMax,
	}
}
