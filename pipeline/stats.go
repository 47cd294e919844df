package pipeline

// ProducerStats are the counters of a producer, all read at one moment:
// Sent = Waiting + Given + Acknowledged + Handed + DeadLetters + Abandoned.
type ProducerStats struct {
	Sent         uint64 // tasks that Send has accepted
	Waiting      uint64 // for a worker, or for another attempt
	Given        uint64 // to a worker that has not acknowledged them yet
	Acknowledged uint64
	Handed       uint64 // written to plain peers
	DeadLetters  uint64 // went to the dead-letter task
	Abandoned    uint64 // were not done at the end of the bus

	Redelivered uint64 // deliveries after the first, of all producers of the task on the bus
	Unknown     uint64 // acknowledgements of tasks that are not there, for all producers of the task on the bus
}

// Stats reads the counters.
func (p *Producer[T]) Stats() ProducerStats {
	c := p.core
	d := c.depot
	d.lock()
	defer d.unlock()
	return ProducerStats{
		Sent: c.sent, Waiting: c.waiting, Given: c.given, Acknowledged: c.ended[acknowledged], Handed: c.ended[handed],
		DeadLetters: c.ended[buried], Abandoned: c.ended[abandoned], Redelivered: d.queue.redelivered, Unknown: d.queue.unknown,
	}
}

// WorkerStats are the counters of a worker, all read at one moment: Begun = Running + Succeeded + Failed + Filtered, and of all workers of
// the task on the bus, those included that have ended, Received = Held + Begun + Returned + Abandoned.
type WorkerStats struct {
	Begun     uint64 // deliveries that its handlers have begun
	Running   uint64 // in handlers now
	Succeeded uint64 // handlers returned nil
	Failed    uint64 // handlers returned an error, panicked or ended their goroutine, or the payload did not decode
	Filtered  uint64 // handlers returned bus.ErrFiltered

	Received  uint64 // deliveries to all workers of the task on the bus
	Held      uint64 // of those, waiting now
	Returned  uint64 // of those, given back without having begun, or lost with their producer's connection
	Abandoned uint64 // of those, waiting at the end of the bus
}

// Stats reads the counters.
func (w *Worker) Stats() WorkerStats {
	c := w.core
	d := c.depot
	d.lock()
	defer d.unlock()
	n := c.counts
	return WorkerStats{
		Begun: n.begun, Running: uint64(c.running), Succeeded: n.succeeded, Failed: n.failed, Filtered: n.filtered,
		Received: d.crew.received, Held: uint64(d.crew.held), Returned: d.crew.returned, Abandoned: d.crew.abandoned,
	}
}
