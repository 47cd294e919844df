// Package memory is the transport inside one process: it connects buses without sockets and without bytes on a wire, for tests and for
// programs whose parts talk as if they were apart.
//
//	network := memory.NewNetwork(nil)
//	orders, err := bus.New(&bus.Options{Transport: network.Join()})
//	billing, err := bus.New(&bus.Options{Transport: network.Join()})
//
// Each transport of a network is a peer of every other one, both ways and from the moment of its Join: of its events, of its requests and
// of its tasks. Nothing has to be waited for: a subscription is in force when Subscribe returns.
//
// Nothing is shared but topics, which are strings: what a transport receives is a copy of its own, as if it had come over a wire. That
// holds for owned messages as well, since what a receiver does with its memory is not to show at the sender, at other receivers, or when
// the same task is given again.
//
// A worker or producer that breaks the protocol of tasks is rejected: no tasks go that way any more, since one in the same process
// would do the same again. Everything else goes on.
//
// All of it works in a bubble of testing/synctest. A transport at rest has no goroutine; there is one for each peer whose requests, tasks
// or words about tasks are being handed on, as long as there are any.
//
// # Losses
//
// Options.HWM events of one transport wait for another one at most; newer ones are dropped and counted in [Transport.Stats] of the sender,
// and show at the receiver as a gap in the sequence. What waits when its sender leaves is still received; what waits when its receiver
// leaves is counted there, as untaken.
package memory
