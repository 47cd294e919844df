package transport

import (
	"errors"
	"time"
)

var (
	// ErrNoPeer says that no peer is connected that could take a request or a task.
	ErrNoPeer = errors.New("transport: no peer is connected")
	// ErrFull says that the peers that are connected have no room.
	ErrFull = errors.New("transport: no connected peer has room")
	// ErrLost says that the connection ended on which an answer was to come.
	ErrLost = errors.New("transport: the connection was lost")
)

// Requester is a transport that carries requests to servers in other processes, and their replies back.
//
// The Topic of a request is the name of the call; that of a plain peer has none, and no envelope. All methods may be called concurrently,
// and return an error that matches net.ErrClosed once the transport ends; then every attempt without an answer gets [ErrLost].
type Requester interface {
	Transport

	// Exchange begins a request. woken, which has room for one token, gets one when there are answers for Take; there may be a token too many,
	// also from an exchange that has ended.
	Exchange(woken chan<- struct{}) (Exchange, error)
	// Servers counts the connected peers that take requests. Changed tells of changes, and of room where there was none.
	Servers() int
	// Unserved tells what keeps there from being more: the endpoints that this side dials for requests and that have no connection, a line
	// each.
	Unserved() []string
	// Serve hands requests to s from now on; before that none is read. There is one server: for another one the error is an [*InUseError].
	Serve(s Server) error
}

// Exchange is one request: its attempts, and the answers to any of them. One goroutine uses it.
type Exchange interface {
	// ID is the number of the request: from 1, and never the same again in this transport.
	ID() uint64
	// Send makes an attempt: it hands m to a connected server, by preference to one that this exchange has not asked yet, and of those to the
	// one with the fewest requests under way. It never waits: the error is [ErrNoPeer], [ErrFull], or what is wrong with m. The
	// server gets m without topic and envelope if m.Plain is set or the server is not one of ours. It copies what it needs, as Publish does.
	Send(m *Message) error
	// Unasked counts the connected servers that this exchange has not asked yet.
	Unasked() int
	// Take returns the next answer, if there is one. Each attempt has one at most.
	Take() (a Answer, ok bool)
	// End ends the exchange, after which it is not used any more. Replies that come later are dropped and counted. cancel, if not nil,
	// is sent to the servers that have not answered, if they are ours. It may have no payload: then it arrives without one, or with one empty
	// part.
	End(cancel *Message)
}

// Answer is what came of an attempt.
type Answer struct {
	// Message is the reply, which belongs to the receiver, as one from Receive does.
	Message Message
	// Err is [ErrLost] when there is no reply because the connection has ended.
	Err error
}

// Server takes requests.
type Server interface {
	// Request takes a request. The transport calls it from the goroutine that reads the client's connection: while it waits, nothing more is
	// read from that client.
	Request(r Request)
}

// Request is a request that came from a client. Its methods may be called concurrently. It ends with Reply or Discard, or with Cancel
// alone.
type Request interface {
	// Message is the request. It belongs to the receiver, as one from Receive does.
	Message() *Message
	// Client is who asked.
	Client() Peer
	// Arrived is when it was read, a moment ago.
	Arrived() time.Time
	// OnAbandoned has f called when the client cancels the request, or when its connection is lost, unless there was a reply before. f
	// replaces the one before; it must be quick. What happens before Server.Request has returned is not missed if OnAbandoned is called there.
	OnAbandoned(f func(lost bool))
	// Reply answers it, once, in the form in which the request came: a plain one gets no topic and no envelope. It never waits. The error is
	// [ErrLost], which is counted, or what is wrong with m, such as its size: then another reply may be given. After one that was taken, and
	// after Discard, each further one is an error. It copies what it needs, as Publish does.
	Reply(m *Message) error
	// Discard ends it without a reply, which is counted.
	Discard()
	// Cancel is for a request that is none, but the end of another one: that of the same client with the same number counts as cancelled.
	Cancel()
}

// InUseError says that what only one may do is being done by another.
type InUseError struct {
	What string // such as "Serve"
}

// Error names what it is.
func (e *InUseError) Error() string { return "transport: " + e.What + " has a user already" }
