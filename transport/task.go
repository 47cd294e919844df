package transport

import "time"

// Tasker is a transport that carries tasks to workers in other processes, each to one of them, and tells what became of them.
//
// The Topic of a task is its name; a task of a plain peer has none, and no envelope. Tasks are known by their sequence, which counts them
// for each name at the producer. All methods may be called concurrently, and return an error that matches net.ErrClosed once the transport
// ends. Who gives out tasks and who takes them is the caller's business: the transport only carries.
type Tasker interface {
	Transport

	// Pushes tells whether workers in other processes can connect, and Pulls whether producers can. Neither changes.
	Pushes() bool
	Pulls() bool
	// TaskLimit is how many bytes a task may have at most, its name, envelope and payload together.
	TaskLimit() int
	// FrameLimit is how many parts the payload of a task may have at most.
	FrameLimit() int
	// Produce tells s of the workers that are connected, now and from now on, until release is called; credit that came while nobody produced
	// is told then. There is one source at a time: with another one the error is an [*InUseError].
	Produce(s TaskSource) (release func(), err error)
	// Work tells s of the producers that are connected, now and from now on, until release is called; before, no task is read from them. There
	// is one sink at a time: with another one the error is an [*InUseError].
	Work(s TaskSink) (release func(), err error)
}

// TaskSource gives tasks to workers in other processes. Of one worker the calls come one at a time, but Written, which comes from who
// writes. They must be quick, and may call the methods of the worker.
type TaskSource interface {
	// WorkerUp tells of a process with workers.
	WorkerUp(w TaskWorker)
	// Credit lets the source give that process n more tasks of that name; 0 takes back what is left of it. A name is announced by its first
	// Credit. The empty name is for tasks in the plain form.
	Credit(w TaskWorker, task string, n uint32)
	// Ack says that count tasks from first on are done: 1 or more, and not beyond the last number there is.
	Ack(w TaskWorker, task string, first uint64, count uint32)
	// Nack says that a task is not done, and is to be given again after a delay, negative: never. Without a reason it was not begun.
	Nack(w TaskWorker, task string, seq uint64, delay time.Duration, reason string)
	// Written says that w.Sent has grown.
	Written(w TaskWorker)
	// WorkerDown says that the process is gone. It is the last call for w; what was written and what was not is known (Sent).
	WorkerDown(w TaskWorker, err error)
}

// TaskWorker is a connected process with workers, as a source sees it. It is comparable.
type TaskWorker interface {
	// Peer is who it is. Plain ones send no credit, and no word of what became of a task.
	Peer() Peer
	// Send hands it a task, and never waits: the error is [ErrFull], [ErrLost], or what is wrong with m. nth counts what was handed to it: the
	// task was written when Sent has reached that. It copies what it needs, but for the payload of an owned message.
	Send(m *Message) (nth uint64, err error)
	// Sent counts the tasks that were written to it.
	Sent() uint64
	// Reject ends the connection: the worker has broken the protocol.
	Reject(reason error)
}

// TaskSink takes tasks from producers in other processes. Of one producer the calls come one at a time.
type TaskSink interface {
	// ProducerUp tells of a process with producers. It must be quick.
	ProducerUp(p TaskProducer)
	// Tasks hands over tasks, which belong to the sink from then on, but for the slice, and returns how many it took: the transport counts the
	// others as untaken. It is called from the goroutine that reads the producer's connection: while it waits, nothing more is read from that.
	Tasks(p TaskProducer, tasks []Message) (taken int)
	// ProducerDown says that the process is gone. It is the last call for p, and must be quick.
	ProducerDown(p TaskProducer, err error)
}

// TaskProducer is a connected process with producers, as a sink sees it. It is comparable, and its methods never wait. To plain ones they
// do nothing, but for Reject.
type TaskProducer interface {
	// Peer is who it is.
	Peer() Peer
	// Credit lets it send n more tasks of that name; 0 takes back what it has not used.
	Credit(task string, n uint32)
	// Ack says that count tasks from first on are done. They may be told together with later ones.
	Ack(task string, first uint64, count uint32)
	// Nack is that of [TaskSource].
	Nack(task string, seq uint64, delay time.Duration, reason string)
	// Reject ends the connection: the producer has broken the protocol.
	Reject(reason error)
}
