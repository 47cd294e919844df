package transport

import "errors"

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
// and return an error that matches net.ErrClosed once the transport ends.
type Requester interface {
	Transport

	// Exchange begins a request. id is not 0, and no other exchange of this transport that has not ended has it.
	Exchange(id uint64) (Exchange, error)
	// Servers counts the connected peers that take requests. Changed tells of changes, and of room where there was none.
	Servers() int
	// Serve hands requests to s from now on; before the first call, and after release, none is read. There is one server at a time: with
	// another one the error is a [*InUseError].
	Serve(s Server) (release func(), err error)
}

// Exchange is one request: its attempts, and the answers to any of them. One goroutine uses it.
type Exchange interface {
	// Send makes an attempt: it hands m to a connected server, by preference to one that this exchange has not asked yet, and of those to the
	// one with the fewest requests under way. It never waits: the error is [ErrNoPeer], [ErrFull], or what is wrong with m. The
	// server gets m without envelope if m.Plain is set or the server is not one of ours.
	Send(m *Message) error
	// Unasked counts the connected servers that this exchange has not asked yet.
	Unasked() int
	// Answers returns the channel of the answers: for each attempt one, unless none comes.
	Answers() <-chan Answer
	// End ends the exchange, after which it is not used any more. Replies that come later are dropped and counted. With cancel not nil
	// that is sent to the servers that have not answered, if they are ours.
	End(cancel *Message)
}

// Answer is what came of an attempt.
type Answer struct {
	// Message is the reply, which belongs to the receiver, as one from Receive does.
	Message Message
	// Err is ErrLost when there is no reply because the connection has ended.
	Err error
}

// Server takes requests.
type Server interface {
	// Request takes a request. The transport calls it from the goroutine that reads the client's connection: while it waits, nothing more is
	// read from that client. more says that others of the same client follow at once.
	Request(r Request, more bool)
}

// Request is a request that came from a client.
type Request interface {
	// Message is the request. It belongs to the receiver, as one from Receive does.
	Message() *Message
	// Reply answers it, once, in the form in which the request came: without the envelope to a plain one. It never waits. The error says why
	// the client will not get the reply.
	Reply(m *Message) error
	// OnAbandoned has f called when the client cancels the request, or its connection ends, unless Reply has been called; at once if that was
	// before. One f at a time; nil for none. f must be quick.
	OnAbandoned(f func(lost bool))
	// Client is who asked.
	Client() Peer
}

// InUseError says that what only one may do is being done by another.
type InUseError struct {
	What string // such as "Serve"
}

// Error names what it is.
func (e *InUseError) Error() string { return "transport: " + e.What + " has a user already" }
