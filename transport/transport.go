// Package transport is the contract between the bus and whatever carries its events to other processes.
//
// The comments of [Transport] are its specification: the bus relies on every sentence, and on nothing more. Drivers move
// bytes; names, numbering, codecs, filtering and delivery to handlers are the bus's work. What only some transports can do
// is found by type assertion on optional interfaces.
package transport

import "context"

// Message is one event as a transport carries it.
//
// A message given to Publish belongs to the bus: the transport has copied what it needs when Publish returns, but for the
// bytes of the payload of a message marked Owned. A message from Receive belongs to the bus from then on, and nothing it points to
// changes any more.
type Message struct {
	// Topic is the name of the event's topic: any bytes, at most 255 of them.
	Topic string
	// Envelope is what the bus says about the event. Drivers carry it as it is. It is nil in messages from plain peers.
	Envelope []byte
	// Payload is the encoded event, in one part or several. What has none is refused with an error, but for the message that ends a
	// request.
	Payload [][]byte
	// Plain asks Publish to leave the envelope out, for peers that are not ours.
	Plain bool
	// Owned lets Publish keep the bytes of the payload instead of copying them; not the slice of parts.
	Owned bool
	// Bare marks a received message that has no topic of its own: its payload is matched against prefixes instead.
	Bare bool
}

// Transport carries events between buses, and between a bus and plain peers.
//
// All methods may be called concurrently, with the exception that one goroutine at a time calls Receive. After Close or
// Shutdown every method returns an error that matches net.ErrClosed, or nothing to report.
type Transport interface {
	// Publish hands m to every peer that subscribed to a prefix of its topic. It never waits for a peer: what a peer cannot
	// take is dropped for that peer and counted by the transport. Messages published one after the other reach each peer
	// in that order. An error means that m was handed to nobody.
	Publish(m *Message) error

	// Subscribe asks all peers, present and future, for the events whose topic begins with prefix; "" asks for all.
	// It does not wait for them. Each Subscribe needs an Unsubscribe of its own. Peers that are a [Retainer] are asked again by
	// each of them, and send again what they keep.
	Subscribe(prefix string) error
	// Unsubscribe takes one Subscribe of prefix back. Events that were under way may still be received.
	Unsubscribe(prefix string) error

	// Receive waits until there is at least one message, and fills into from its beginning with what is there. When ctx ends
	// first, the error is that of ctx. When nobody calls it, the transport holds its peers back once its own bounded queue is
	// full.
	Receive(ctx context.Context, into []Message) (n int, err error)

	// Changed returns a channel that is closed at the next change of what Pending, Publishers or Subscribers tell. To wait
	// for a state: take the channel, look at the state, wait for the channel, begin again.
	Changed() <-chan struct{}
	// Pending tells what keeps the subscriptions made so far from being in force, a line each: an endpoint that this side
	// dials and that has no connection yet, a peer that has not confirmed. It is empty when nothing is missing.
	Pending() []string
	// Publishers counts the connected peers that can publish and have confirmed every subscription made so far.
	Publishers() int
	// Subscribers counts the connected peers that are subscribed to a prefix of topic.
	Subscribers(topic string) int

	// Events returns the channel on which peers coming and going are told. It is the same channel at every call and is
	// closed when the transport ends. What its reader is too slow for is counted in Stats.
	Events() <-chan Event

	// Stats returns the counters, all since the transport began.
	Stats() Stats

	// Shutdown stops taking part: nothing more is accepted or received, what was published, asked, replied and given out is flushed to the
	// peers, as is what was told of tasks, then the connections close. What could not be flushed by the end of ctx is in the error, with the
	// address of each peer. The transport has ended in every case.
	Shutdown(ctx context.Context) error
	// Close ends the transport at once. What was not sent yet is gone. It is idempotent and waits for every goroutine.
	Close() error
}

// Retainer is a transport that can keep the last event of a topic, or of a key in it, for peers that subscribe later.
type Retainer interface {
	Transport

	// PublishRetained is Publish, and keeps a copy of m in memory of its own, in the place of the last one with the same topic and key. Of a
	// topic that has more than limit keys, 1 or more, the one published least recently goes; it is counted in Stats. limit may change from
	// call to call. What is kept stays until it is replaced, or has to go, or the transport ends; Publish leaves it as it is.
	//
	// A peer of ours that subscribes to a prefix of the topic gets what is kept, whether it has subscribed to that prefix before or not; a
	// plain peer never does. The copy is m but for the flag of retained events in the envelope (docs/wire.md). It is not dropped because the
	// peer's queue is full. Publishing and a subscription are one after the other: what is kept when a subscription is taken reaches the peer
	// before everything that is published later, in the order in which it was published, and before the peer counts as ready (Pending,
	// Publishers). So the events of a topic that all went through PublishRetained reach a peer without a hole after the first.
	//
	// A message that goes out without an envelope is published only: a receiver could not tell its copy from an event of its own.
	//
	// An error means that m was handed to nobody, and that what was kept before still is.
	PublishRetained(m *Message, key string, limit int) error
}

// Event tells of a peer that came or went, or that was turned away.
type Event struct {
	// Up is true when the peer's handshake was completed, false when its connection ended.
	Up bool
	// Refused is true when the connection ended before the handshake was completed: the peer has never been up.
	Refused bool
	// Bad is true when the connection ended because the peer broke the protocol or does not fit.
	Bad bool
	// Peer is who it is.
	Peer Peer
	// Err is why the connection ended, when Up is false and a reason is known.
	Err error
}

// Peer is the other end of a connection.
type Peer struct {
	// Endpoint is the local endpoint it belongs to: the one it was dialled at, or the one that accepted it.
	Endpoint string
	// Address is the peer's own address.
	Address string
	// Role is what the peer is to us, in the transport's own words: for ZeroMQ its socket type.
	Role string
	// Plain is true for peers that are not ours: they know no envelope.
	Plain bool
}

// Stats are the counters of a transport.
type Stats struct {
	// Sent and Received count messages handed to peers' queues and messages returned by Receive.
	Sent, Received uint64
	// Dropped counts messages that a peer's full queue could not take, or that were still queued when its connection ended, summed
	// over all peers there ever were, and received messages that the bus cannot take.
	Dropped uint64
	// Untaken counts messages that had arrived, or arrived yet, when the transport ended, and that the bus did not get.
	Untaken uint64
	// BadPeers counts connections that ended because the peer broke the protocol.
	BadPeers uint64
	// EventsLost counts events that found the channel of Events full.
	EventsLost uint64
	// RetainedEvicted counts copies that a [Retainer] kept and that had to go because their topic had more keys than the limit.
	RetainedEvicted uint64
	// LateReplies counts replies that came for no request of a [Requester] that is under way.
	LateReplies uint64
	// RepliesDropped counts replies of a [Requester]'s server that the client did not get: it was gone, or no reply was within the limits.
	RepliesDropped uint64
}
